import Foundation
import Testing

@Suite("flowctl fmt", .enabled(if: Program.executable != nil))
struct FormatCommandTests {
    private let program: Program
    private let wild = "collections:\n    'a/b': {key: [/id]}   # ours\n"
    private let formatted = "collections:\n  a/b: { key: [/id] }   # ours\n"

    init() throws {
        program = try Program()
        try program.write("wild.yaml", wild)
        try program.write("good.yaml", formatted)
        try program.write("broken.yaml", "collections:\n  a: {b\n")
    }

    private func read(_ name: String) throws -> String {
        try String(contentsOf: program.folder.appending(path: name), encoding: .utf8)
    }

    @Test("it rewrites what is not in the style, names it, and the second time does nothing")
    func rewrites() throws {
        let first = try program.run(["fmt", "wild.yaml", "good.yaml"])
        #expect(first.status == 0 && first.output == "wild.yaml\n")
        #expect(try read("wild.yaml") == formatted)
        #expect(try program.run(["fmt", "wild.yaml"]).output.isEmpty)
        program.remove()
    }

    @Test("--check changes nothing and ends with 1 where it would")
    func check() throws {
        let found = try program.run(["fmt", "--check", "-o", "json", "wild.yaml", "good.yaml"])
        #expect(found.status == 1)
        #expect(
            found.output == """
                {"file": "wild.yaml", "changed": true}
                {"file": "good.yaml", "changed": false}

                """)
        #expect(try read("wild.yaml") == wild)
        #expect(try program.run(["fmt", "--check", "good.yaml"]).status == 0)
        program.remove()
    }

    @Test("standard input goes to standard output")
    func standardInput() throws {
        #expect(try program.run(["fmt", "-"], input: wild).output == formatted)
        program.remove()
    }

    @Test("a broken file is shown with its place and left alone; the others are formatted")
    func broken() throws {
        let found = try program.run(["fmt", "broken.yaml", "none.yaml", "wild.yaml"])
        #expect(found.status == 65)
        #expect(
            found.errors.contains("--> broken.yaml:") && found.errors.contains("can't read 'none.yaml': there is no"))
        #expect(try read("broken.yaml") == "collections:\n  a: {b\n" && read("wild.yaml") == formatted)
        program.remove()
    }

    @Test("a file that can't be written stays as it is, with nothing beside it, and ends with 69")
    func fileSizeLimit() throws {
        let long = "a:   " + String(repeating: "x", count: 5000) + "\n"
        try program.write("long.yaml", long)
        let found = try program.shell("ulimit -f 1; exec \"$0\" fmt long.yaml 2>&1 | cat; exit ${PIPESTATUS[0]}")
        #expect(found.status == 69 && found.text.contains("can't write 'long.yaml': File too large"), "\(found)")
        #expect(try read("long.yaml") == long)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: program.folder.path)
                .allSatisfy { !$0.hasPrefix("long.yaml.") })
        program.remove()
    }

    @Test("a file keeps its mode and stays behind its symbolic link")
    func modeAndLink() throws {
        let files = FileManager.default
        let target = program.folder.appending(path: "wild.yaml").path
        try files.setAttributes([.posixPermissions: 0o640], ofItemAtPath: target)
        let link = program.folder.appending(path: "link.yaml").path
        try files.createSymbolicLink(atPath: link, withDestinationPath: "wild.yaml")
        #expect(try program.run(["fmt", "link.yaml"]).status == 0)
        #expect(try files.destinationOfSymbolicLink(atPath: link) == "wild.yaml")
        #expect(try read("wild.yaml") == formatted)
        #expect(try files.attributesOfItem(atPath: target)[.posixPermissions] as? Int == 0o640)
        #expect(try files.contentsOfDirectory(atPath: program.folder.path).allSatisfy { !$0.hasPrefix("wild.yaml.") })
        program.remove()
    }
}
