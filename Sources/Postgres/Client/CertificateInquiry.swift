import CLibPQ
import Glibc

/// Asks why a server's certificate is not trusted: libpq 15 only says that it isn't.
///
/// A second connection ends right after its handshake, before it has said who it is; the chain that it was shown is then
/// verified against the same authorities. OpenSSL's functions are those of libpq's own library, found by name: where one is
/// missing there is no answer, and the error is told without it.
enum CertificateInquiry {
    struct Answer {
        /// OpenSSL's code (x509_vfy.h).
        var code: Int
        /// Its words, and who signed the certificate.
        var text: String
    }

    /// `root`: the file that libpq was told to trust. Nil where it can't be found out.
    static func ask(_ parameters: ConnectionParameters, _ place: [(String, String)], root: String) -> Answer? {
        let own = ["sslmode", "sslrootcert", "sslcert", "sslkey", "password"]
        let pairs = place.filter { !own.contains($0.0) } + [("sslmode", "require"), ("sslrootcert", "/dev/null/none")]
        guard let keywords = try? CStringArray(pairs.map(\.0), operation: ""),
            let values = try? CStringArray(pairs.map(\.1), operation: ""),
            let made = PQconnectStartParams(keywords.pointer, values.pointer, 0)
        else { return nil }
        defer { PQfinish(made) }
        guard shakesHands(made, seconds: parameters.connectTimeout), let session = PQsslStruct(made, "OpenSSL"),
            let library = Library()
        else { return nil }
        return library.reason(OpaquePointer(session), root: root)
    }

    /// Until TLS stands and nothing has been said yet.
    private static func shakesHands(_ made: OpaquePointer, seconds: Int) -> Bool {
        let start = ContinuousClock.now
        var state = PGRES_POLLING_WRITING
        while ContinuousClock.now - start < .seconds(seconds), PQstatus(made) != CONNECTION_BAD {
            if PQstatus(made) == CONNECTION_MADE, PQsslInUse(made) == 1 { return true }
            var waited = pollfd(
                fd: PQsocket(made), events: Int16(state == PGRES_POLLING_READING ? POLLIN : POLLOUT), revents: 0)
            guard poll(&waited, 1, 1000) > 0 else { continue }
            state = PQconnectPoll(made)
            if state == PGRES_POLLING_FAILED { return false }
        }
        return false
    }

    /// The functions of OpenSSL that it takes (manual pages section 3).
    private struct Library {
        typealias Pointer = OpaquePointer
        typealias Make = @convention(c) () -> Pointer?
        typealias Free = @convention(c) (Pointer?) -> Void
        typealias Get = @convention(c) (Pointer?) -> Pointer?
        typealias Number = @convention(c) (Pointer?) -> Int32

        let chain: Get
        let item: @convention(c) (Pointer?, Int32) -> Pointer?
        let newStore: Make
        let load: @convention(c) (Pointer?, UnsafePointer<CChar>?, UnsafePointer<CChar>?) -> Int32
        let freeStore: Free
        let newContext: Make
        let initialize: @convention(c) (Pointer?, Pointer?, Pointer?, Pointer?) -> Int32
        let setDefault: @convention(c) (Pointer?, UnsafePointer<CChar>?) -> Int32
        let verify: Number
        let error: Number
        let freeContext: Free
        let words: @convention(c) (Int) -> UnsafePointer<CChar>?
        let issuer: Get
        let line: @convention(c) (Pointer?, UnsafeMutablePointer<CChar>?, Int32) -> UnsafeMutablePointer<CChar>?

        init?() {
            guard let chain = Library.find("SSL_get_peer_cert_chain", Get.self),
                let item = Library.find(
                    "OPENSSL_sk_value", (@convention(c) (Pointer?, Int32) -> Pointer?).self),
                let newStore = Library.find("X509_STORE_new", Make.self),
                let load = Library.find(
                    "X509_STORE_load_locations",
                    (@convention(c) (Pointer?, UnsafePointer<CChar>?, UnsafePointer<CChar>?) -> Int32).self),
                let freeStore = Library.find("X509_STORE_free", Free.self),
                let newContext = Library.find("X509_STORE_CTX_new", Make.self),
                let initialize = Library.find(
                    "X509_STORE_CTX_init",
                    (@convention(c) (Pointer?, Pointer?, Pointer?, Pointer?) -> Int32).self),
                let setDefault = Library.find(
                    "X509_STORE_CTX_set_default", (@convention(c) (Pointer?, UnsafePointer<CChar>?) -> Int32).self),
                let verify = Library.find("X509_verify_cert", Number.self),
                let error = Library.find("X509_STORE_CTX_get_error", Number.self),
                let freeContext = Library.find("X509_STORE_CTX_free", Free.self),
                let words = Library.find(
                    "X509_verify_cert_error_string", (@convention(c) (Int) -> UnsafePointer<CChar>?).self),
                let issuer = Library.find("X509_get_issuer_name", Get.self),
                let line = Library.find(
                    "X509_NAME_oneline",
                    (@convention(c) (Pointer?, UnsafeMutablePointer<CChar>?, Int32) -> UnsafeMutablePointer<CChar>?)
                        .self)
            else { return nil }
            self.chain = chain
            self.item = item
            self.newStore = newStore
            self.load = load
            self.freeStore = freeStore
            self.newContext = newContext
            self.initialize = initialize
            self.setDefault = setDefault
            self.verify = verify
            self.error = error
            self.freeContext = freeContext
            self.words = words
            self.issuer = issuer
            self.line = line
        }

        private static func find<Function>(_ name: String, _: Function.Type) -> Function? {
            dlsym(nil, name).map { unsafeBitCast($0, to: Function.self) }
        }

        func reason(_ session: Pointer, root: String) -> Answer? {
            guard let shown = chain(session), let leaf = item(shown, 0), let store = newStore() else { return nil }
            defer { freeStore(store) }
            guard load(store, root, nil) == 1, let context = newContext() else { return nil }
            defer { freeContext(context) }
            guard initialize(context, store, leaf, shown) == 1, setDefault(context, "ssl_server") == 1,
                verify(context) != 1, let text = words(Int(error(context)))
            else { return nil }
            var name = [CChar](repeating: 0, count: 256)
            var signer = ""
            if line(issuer(leaf), &name, Int32(name.count)) != nil {
                let bytes = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
                signer = " (it was signed by \(String(decoding: bytes, as: UTF8.self)))"
            }
            return Answer(code: Int(error(context)), text: String(cString: text) + signer)
        }
    }
}
