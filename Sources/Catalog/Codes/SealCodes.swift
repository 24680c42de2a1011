import Diagnostics

extension DiagnosticCode {
    /// An encrypted value without what decrypts it.
    static let sealedValue = DiagnosticCode(
        611, title: "an encrypted value that nothing can decrypt",
        explanation: """
            sops encrypts a config's values and adds a mapping `sops` that says with which keys. Without that mapping \
            the value is no more than a text. Encrypt the config again, or give the secret as { env: NAME }, \
            { file: PATH } or { exec: [command] }.
            """,
        bad: """
            captures:
              shop/source:
                endpoint:
                  connector:
                    image: source-postgres
                    config: { address: db, user: u, password_sops: "ENC[AES256_GCM,data:cQ==,iv:AA==,tag:AA==,type:str]" }
                bindings:
                  - { resource: { namespace: public, stream: orders }, target: shop/orders }
            collections:
              shop/orders: { key: [/id] }
            """,
        mended: """
            captures:
              shop/source:
                endpoint:
                  connector: { image: source-postgres, config: { address: db, user: u, password: { env: SHOP_PASSWORD } } }
                bindings:
                  - { resource: { namespace: public, stream: orders }, target: shop/orders }
            collections:
              shop/orders: { key: [/id] }
            """)
}
