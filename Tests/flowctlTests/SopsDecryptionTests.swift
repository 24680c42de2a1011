import Connectors
import Foundation
import JSON
import TestSupport
import Testing

@testable import flowctl

@Suite("configs that sops has encrypted")
struct SopsDecryptionTests {
    /// Made for this test and used nowhere else.
    private static let key = "AGE-SECRET-KEY-194QJ798U9UQDMCVU2CXKG9NSJMSXVKWSNFHKW393T77UTAF9RXGQPAQ6XX"

    /// What `sops encrypt --encrypted-suffix _sops` made of a config whose password is r1ght-one.
    private static let config = #"""
        {"address": "db", "user": "reader", "credentials": {"auth_type": "UserPassword", "password_sops": "ENC[AES256_GCM,data:hh7QhOqrwEP9,iv:evPjazKJD7VQ9GH9vm2U+dubVvD0EfQHfkz/cQIS9Ds=,tag:RNLNp704rjPGt0ot4Hijag==,type:str]"}, "advanced": {"slotName": "s", "backfill_chunk_size": 100, "ratio": 1.5, "flag": true, "list": ["a", 1, null]}, "networkTunnel": null, "sops": {"age": [{"recipient": "age1z5xyee0yjwyzm3meknknzt86jwqvlzh426taez5vnc2m7ndq23jsm2w9l0", "enc": "-----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBQdFRXRUhWRmcrWUtCc1Vo\nNVBKOGwzRHQzdjdyUTh2NHBzVGFQZEZXRnpvCm90VEFDdGUydUJJb1JhWHptRWxU\nOSsrK1hSWkRISnFOQ3FmNGtRTVFUTkkKLS0tIGUzeGVjSkN4QVBENFAwTDhTQXVz\nb0hIMXdSc1R2akMzbXg4K0NvWW1sVzAKVpmXxgqdSVnLL1U/byIJ7kngSES3s5J2\n/czxZi80jpcbBVnI+e/ZnzbN3VyCXvmoqpzHL8n3465az5Ks2c0eJA==\n-----END AGE ENCRYPTED FILE-----\n"}], "lastmodified": "2026-11-21T13:41:30Z", "mac": "ENC[AES256_GCM,data:eCj3kHXiVtjrMXw1BVlXqfLzDbRFNJUM/lPWr4JRujl8hm7Hgrt3RGQUVRd2ju8t/QmVe4Esat3+YkLUCCkAhfpqDaXfXS8MXfJcwSv99bW9VUizj6pqxYX7kaEOLcigC3wCkC8g6oBQjZ3Pytqgg+jzRaumpEBWC3k9i3+/43U=,iv:wDD9jab08GAZ004rgwD03phmv5WcyEnHuRW8rtjZUBg=,tag:tNz09KgaFKT1jBtEgtOEqQ==,type:str]", "encrypted_suffix": "_sops", "version": "3.11.0"}}
        """#

    private static let hasSops: Bool = {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        return folders.contains { FileManager.default.isExecutableFile(atPath: $0 + "/sops") }
    }()

    private func value(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

    @Test("one without sops' part comes back as it is, and no program is started")
    func plain() throws {
        let config = try value(#"{"address": "db", "password": "p"}"#)
        #expect(try SopsDecryption(task: "a/b").decrypt(config) == config)
    }

    @Test("the real sops gives each value back, under its name without the suffix", .enabled(if: hasSops))
    func real() throws {
        setenv("SOPS_AGE_KEY", Self.key, 1)
        let decrypted = try SopsDecryption(task: "a/b").decrypt(value(Self.config))
        let expected = try value(
            """
            {"address": "db", "user": "reader", "credentials": {"auth_type": "UserPassword", "password": "r1ght-one"},
             "advanced": {"slotName": "s", "backfill_chunk_size": 100, "ratio": 1.5, "flag": true, "list": ["a", 1, null]},
             "networkTunnel": null}
            """)
        #expect(decrypted == expected)
    }

    @Test("the real sops refuses a config that was changed after it was encrypted", .enabled(if: hasSops))
    func changed() throws {
        setenv("SOPS_AGE_KEY", Self.key, 1)
        let error = #expect(throws: RunError.self) {
            try SopsDecryption(task: "a/b").decrypt(value(Self.config.replacing("reader", with: "writer")))
        }
        #expect(error?.message.contains("MAC mismatch") == true && error?.hint?.contains("edit it with sops") == true)
    }

    /// A catalog whose capture is encrypted, and whose addresses nobody listens at.
    private func apply(_ stub: String?) throws -> FlowctlProcess.Outcome {
        let program = try Program()
        defer { program.remove() }
        let folder = program.folder.appending(path: "bin")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        if let stub {
            try program.write("bin/sops", "#!/bin/sh\n" + stub)
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o755], ofItemAtPath: folder.appending(path: "sops").path)
        }
        try program.write(
            "flow.yaml",
            """
            captures:
              a/source:
                endpoint: { connector: { image: source-postgres, config: config.json } }
                bindings: [{ resource: { namespace: public, stream: t }, target: a/t }]
            collections: { a/t: { key: [/id] } }
            materializations:
              a/sink:
                endpoint:
                  connector:
                    image: materialize-postgres
                    config: { address: "127.0.0.1:1", database: other, user: u, password: p }
                bindings: [{ source: a/t, resource: { table: t } }]
            """)
        let config = Self.config.replacing(#""db""#, with: #""127.0.0.1:1""#)
            .replacing(#", "ratio": 1.5, "flag": true, "list": ["a", 1, null]"#, with: "")
            .replacing(#" "networkTunnel": null,"#, with: "")
        try program.write("config.json", config)
        let tools = "/usr/bin:/bin"
        return try FlowctlProcess.run(
            ["apply", "--once", "flow.yaml"], environment: ["PATH": folder.path + ":" + (stub == nil ? "" : tools)],
            directory: program.folder)
    }

    @Test("apply goes on with what sops prints, and hands it the config as it is in the catalog")
    func follows() throws {
        // Fails where the file is not the encrypted config, or the arguments are others.
        let outcome = try apply(
            """
            test "$*" = "--decrypt --input-type json --output-type json $6" || { echo "arguments $*" >&2; exit 3; }
            grep -q '"password_sops":"ENC\\[' "$6" && grep -q '"encrypted_suffix":"_sops"' "$6" || exit 4
            sed -e 's/"password_sops":"ENC[^"]*"/"password_sops":"r1ght-one"/' -e 's/,"sops":.*/}/' "$6"
            """)
        #expect(outcome.exitCode == 69)
        #expect(outcome.errors.contains("check the address"), "\(outcome.errors)")
        #expect(!outcome.errors.contains("sops") && !outcome.errors.contains("r1ght-one"), "\(outcome.errors)")
    }

    @Test("apply ends with 69 and the reason where sops is not there, or refuses")
    func refused() throws {
        let absent = try apply(nil)
        #expect(absent.exitCode == 69)
        #expect(absent.errors.contains("the program 'sops' can't be started"), "\(absent.errors)")
        #expect(absent.errors.contains("install sops"))
        let failing = try apply("echo 'Failed to get the data key' >&2; exit 128")
        #expect(failing.exitCode == 69)
        #expect(failing.errors.contains("it failed: Failed to get the data key"), "\(failing.errors)")
    }
}
