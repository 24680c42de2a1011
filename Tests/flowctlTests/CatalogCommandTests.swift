import Foundation
import Testing

@Suite("the commands that read catalogs and connect to nothing", .enabled(if: Program.executable != nil))
struct CatalogCommandTests {
    private let program: Program
    private let valid = "collections:\n  a/b: { key: [/id] }\n"
    private let invalid = "collections:\n  a/b: { key: [] }\n"

    init() throws {
        program = try Program()
        try program.write("good.yaml", valid)
        try program.write("bad.yaml", invalid)
    }

    private func run(_ arguments: String..., input: String = "") throws -> Program.Outcome {
        try program.run(arguments, input: input)
    }

    @Test("a valid catalog prints nothing and ends with 0")
    func validCatalog() throws {
        let outcome = try run("validate", "good.yaml")
        #expect(outcome.status == 0)
        #expect(outcome.output.isEmpty && outcome.errors.isEmpty)
        program.remove()
    }

    @Test("an invalid one ends with 65 and shows the fault on standard output")
    func invalidCatalog() throws {
        let outcome = try run("validate", "good.yaml", "bad.yaml")
        #expect(outcome.status == 65)
        #expect(outcome.output.contains("error[FC0502]") && outcome.output.contains("--> bad.yaml:2:10"))
        program.remove()
    }

    @Test("brackets that are never closed are one fault: what stands in them is not judged")
    func openBrackets() throws {
        try program.write("open.yaml", "captures: [1, 2\n  b: }\n")
        let outcome = try run("validate", "open.yaml")
        #expect(outcome.status == 65 && outcome.output.hasSuffix("\n1 error\n"), "\(outcome.output)")
        program.remove()
    }

    @Test(
        "a result that can't be written ends with 69 and says so, a reader that has gone away with 0 and nothing",
        arguments: ["validate --format json good.yaml", "schema", "fmt - <good.yaml", "explain FC0502", "--help"])
    func fullDisk(command: String) throws {
        let full = try program.shell("\"$0\" \(command) >/dev/full")
        #expect(full.status == 69, "\(full)")
        #expect(full.text == "flowctl: standard output can't be written: No space left on device\n")
        let gone = try program.shell("\"$0\" \(command) | true; exit ${PIPESTATUS[0]}")
        #expect(gone.status == 0 && gone.text.isEmpty, "\(gone)")
        program.remove()
    }

    @Test(
        "a form of --format that is given to -o is told from an unknown one",
        arguments: [
            ["validate", "-o", "sarif"], ["validate", "--output=github"], ["test", "-o", "tap"], ["graph", "-odot"],
        ])
    func formOfOutput(arguments: [String]) throws {
        let outcome = try program.run(arguments + ["catalog.yaml"])
        #expect(outcome.status == 64)
        #expect(
            outcome.errors.contains("is a form of --format: flowctl \(arguments[0]) --format "), "\(outcome.errors)")
    }

    @Test("a file that is not there is a fault, not a usage error")
    func missingFile() throws {
        let outcome = try run("validate", "none.yaml")
        #expect(outcome.status == 65)
        #expect(outcome.output.contains("error[FC0201]: can't read 'none.yaml'"))
        #expect(outcome.output.contains("hint: check the path and its permissions"))
        #expect(try run("validate", "--format", "json", "none.yaml").output.contains(#""file": "none.yaml""#))
        program.remove()
    }

    @Test(
        "a wrong command line ends with 64",
        arguments: [
            ["validate"], ["validate", "--format", "xml", "good.yaml"], ["graph"], ["explain", "FC9999"], ["nonsense"],
        ])
    func usage(arguments: [String]) throws {
        #expect(try program.run(arguments).status == 64)
        program.remove()
    }

    @Test(
        "JSON is one object a diagnostic and a summary, whichever option asks for it",
        arguments: [["--format", "json"], ["-o", "json"]])
    func json(option: [String]) throws {
        let outcome = try program.run(["validate", "bad.yaml", "good.yaml"] + option)
        let objects = try outcome.output.split(separator: "\n").map {
            try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
        #expect(objects.count == 2)
        #expect(objects[0]["code"] as? String == "FC0502")
        #expect(objects[0]["pointer"] as? String == "/collections/a~1b/key")
        #expect(objects[0]["line"] as? Int == 2)
        let summary = try #require(objects[1]["summary"] as? [String: Int])
        #expect(summary == ["files": 2, "errors": 1, "warnings": 0])
        program.remove()
    }

    private static let tests = """
        collections:
          a/orders:
            key: [/id]
            schema:
              type: object
              reduce: { strategy: merge }
              properties: { id: { type: integer }, total: { type: number, reduce: { strategy: sum } } }
        tests:
          a/tests/adds:
            description: totals add up
            steps:
              - ingest: { collection: a/orders, documents: [ { id: 2, total: 0.1 }, { id: 1 }, { id: 2, total: 0.2 } ] }
              - verify: { collection: a/orders, documents: [ { id: 1 }, { id: 2, total: 0.3 } ] }
          a/tests/fails:
            - ingest: { collection: a/orders, documents: [ { id: 1, total: 1 }, { id: 3 } ] }
            - verify:
                collection: a/orders
                documents: [ { id: 1, total: 2 }, { id: 2 } ]
        """

    @Test("tests that pass end with 0, one that fails with 1, and a catalog at fault runs none and ends with 65")
    func testStatus() throws {
        try program.write("tests.yaml", Self.tests)
        let passing = Self.tests.components(separatedBy: "  a/tests/fails")[0]
        try program.write("passing.yaml", passing)
        let passed = try run("test", "passing.yaml", "good.yaml")
        #expect(passed.status == 0)
        #expect(passed.output == "ok    a/tests/adds: totals add up\n1 passed\n")
        #expect(try run("test", "tests.yaml").status == 1)
        let invalid = try run("test", "passing.yaml", "bad.yaml")
        #expect(invalid.status == 65)
        #expect(invalid.output.isEmpty && invalid.errors.contains("error[FC0502]"))
        program.remove()
    }

    @Test("a failing step is shown at its line, with what its documents lack and have instead")
    func testFailures() throws {
        try program.write("tests.yaml", Self.tests)
        let output = try run("test", "tests.yaml").output
        #expect(
            output.contains("step 2 of test 'a/tests/fails' lists another document of /id 1\n  --> tests.yaml:16:7"))
        #expect(output.contains("    -   \"total\": 2\n    +   \"total\": 1\n"))
        #expect(output.contains("lists a document that is not there: /id 2"))
        #expect(output.contains("doesn't list the document of /id 3"))
        #expect(output.hasSuffix("1 passed, 1 failed\n"))
        program.remove()
    }

    @Test("TAP has a plan and a line a test; JSON an object a test and the counts")
    func testForms() throws {
        try program.write("tests.yaml", Self.tests)
        let tap = try run("test", "--format", "tap", "tests.yaml").output.split(separator: "\n")
        #expect(tap.prefix(4) == ["TAP version 14", "1..2", "ok 1 - a/tests/adds", "not ok 2 - a/tests/fails"])
        let lines = try run("test", "-o", "json", "tests.yaml").output.split(separator: "\n").map {
            try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
        #expect(lines.map { $0["ok"] as? Bool } == [true, false, nil])
        let failures = try #require(lines[1]["failures"] as? [[String: Any]])
        #expect(failures.map { $0["line"] as? Int } == [16, 16, 16])
        #expect(lines[2]["summary"] as? [String: Int] == ["tests": 2, "passed": 1, "failed": 1])
        program.remove()
    }

    @Test("SARIF is one JSON document, and GitHub's form one command a fault")
    func otherForms() throws {
        let sarif = try run("validate", "--format", "sarif", "bad.yaml")
        #expect(try JSONSerialization.jsonObject(with: Data(sarif.output.utf8)) is [String: Any])
        let github = try run("validate", "--format", "github", "bad.yaml")
        #expect(github.output.hasPrefix("::error file=bad.yaml,line=2"))
        program.remove()
    }

    @Test(
        "a terminal gets colour, but none where NO_COLOR asks for none",
        .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script"), "no program 'script'"),
        arguments: [nil, "", "1"])
    func colour(noColor: String?) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/script")
        process.arguments = ["-qec", "\(try #require(Program.executable).path) validate bad.yaml", "/dev/null"]
        process.currentDirectoryURL = program.folder
        process.environment = ["NO_COLOR": noColor].compactMapValues { $0 }
        process.standardInput = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 65)
        #expect(text.contains("FC0502"))
        #expect(text.contains("\u{1B}[") == (noColor != "1"))
        program.remove()
    }

    @Test("standard input is a catalog too")
    func standardInput() throws {
        #expect(try run("validate", "-", input: valid).status == 0)
        #expect(try run("validate", "-", input: invalid).output.contains("--> <stdin>:2:10"))
        program.remove()
    }

    @Test("a fault in an import of two catalogs is reported once")
    func sharedImport() throws {
        try program.write("shared/common.yaml", invalid)
        try program.write("one.yaml", "import: [shared/common.yaml]\n")
        try program.write("two.yaml", "import: [./shared/common.yaml]\n")
        let outcome = try run("validate", "one.yaml", "two.yaml")
        #expect(outcome.output.components(separatedBy: "error[").count == 2)
        program.remove()
    }

    @Test("graph prints the graph of a valid catalog and faults on standard error")
    func graph() throws {
        #expect(try run("graph", "--format", "mermaid", "good.yaml").output == "flowchart LR\n")
        let outcome = try run("graph", "bad.yaml")
        #expect(outcome.status == 65 && outcome.output.isEmpty && outcome.errors.contains("FC0502"))
        program.remove()
    }

    @Test(
        "schema prints a JSON Schema, the catalog's where none is named",
        arguments: [[], ["source-postgres"], ["materialize-postgres"]])
    func schema(arguments: [String]) throws {
        let outcome = try program.run(["schema"] + arguments)
        let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
        #expect(object?["$schema"] as? String == "https://json-schema.org/draft/2020-12/schema")
        program.remove()
    }

    @Test("explain says what a code means and shows it mended")
    func explain() throws {
        let outcome = try run("explain", "fc0402")
        #expect(outcome.output.hasPrefix("FC0402: a collection is not defined\n"))
        #expect(outcome.output.contains("target: shop/orders"))
        program.remove()
    }
}

@Suite("no fault of a catalog shows a secret", .enabled(if: Program.executable != nil))
struct SecretFaultTests {
    private static let configs = [
        "{ address: h, credentials: hunter2 }", "{ address: h, credentials: [hunter2] }",
        "{ address: h, credentials: { auth_type: UserPassword, password: [hunter2] } }",
        "{ address: h, password: { env: 5, text: hunter2 } }", "{ address: h, password: [hunter2] }",
        "{ address: 'postgres://u:hunter2@h/db', password: p }", "{ address: 'u:hunter2@h:5432', password: p }",
        "{ address: '127.0.0.1:7611/shop?password=hunter2', password: p }",
        "{ address: '127.0.0.1:7611 password=hunter2', password: p }",
        "{ address: h, password: p, networkTunnel: { sshForwarding: { sshEndpoint: [x], privateKey: [hunter2] } } }",
        "'postgres://u:hunter2@h/db'", "'u:hunter2@h/db'", "'host=h password=hunter2'",
        "[ 'postgres://u:hunter2@h/db' ]",
        "{ address: [u:hunter2@h, password: { env: P } }",
    ]

    @Test("whatever is wrong with its config, in each form of output and command", arguments: configs)
    func hidden(config: String) throws {
        let program = try Program()
        defer { program.remove() }
        try program.write(
            "flow.yaml",
            """
            captures:
              a/b:
                endpoint: { connector: { image: source-postgres, config: \(config) } }
                bindings: [ { resource: { namespace: public, stream: t }, target: c/d, wrong: 1 } ]
            collections: { c/d: { key: [/id] } }
            """)
        let commands =
            ["human", "json", "sarif", "github"].map { ["validate", "--format", $0] } + [
                ["graph"], ["apply"], ["status"],
            ]
        for command in commands {
            let outcome = try program.run(command + ["flow.yaml"])
            #expect(outcome.status == 65, "\(command)")
            #expect(!(outcome.output + outcome.errors).contains("hunter2"), "\(command): \(outcome)")
        }
    }

    @Test("an address that holds more than host and port is told where the rest belongs")
    func address() throws {
        let program = try Program()
        defer { program.remove() }
        try program.write(
            "flow.yaml",
            """
            captures:
              a/b:
                endpoint: { connector: { image: source-postgres, config: { address: u:p@h, password: { env: P } } } }
                bindings: [ { resource: { namespace: public, stream: t }, target: c/d } ]
            collections: { c/d: { key: [/id] } }
            """)
        let text = try program.run(["validate", "flow.yaml"]).output
        #expect(text.contains("hint: give host and port only"))
    }
}
