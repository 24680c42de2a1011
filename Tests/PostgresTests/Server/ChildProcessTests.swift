import Foundation
import Postgres
import Testing

@Suite("programs run as processes of their own")
struct ChildProcessTests {
    @Test("an exit code is the program's own, and a signal's is 128 and its number")
    func exitCodes() throws {
        #expect(try ChildProcess("sh", ["-c", "exit 7"]).wait() == 7)
        let sleeper = try ChildProcess("sleep", ["60"])
        #expect(!sleeper.hasEnded())
        #expect(sleeper.end(SIGTERM) == 128 + SIGTERM)
        #expect(sleeper.hasEnded())
    }

    @Test("standard output is read through a pipe up to its end")
    func outputThroughAPipe() throws {
        let process = try ChildProcess(
            "sh", ["-c", "read -r word; echo got $word; echo no >&2"], output: .pipe, pipesInput: true)
        process.write("this\n")
        process.wait()
        var bytes = [UInt8](repeating: 0, count: 100)
        let count = read(process.output, &bytes, bytes.count)
        #expect(String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self) == "got this\n")
        #expect(read(process.output, &bytes, bytes.count) == 0)
    }

    @Test("both outputs are appended to a file")
    func outputToAFile() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "child-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        for word in ["one", "two"] {
            try ChildProcess(
                "sh", ["-c", "echo \(word); echo \(word) >&2"], output: .file(file.path), errors: .file(file.path)
            )
            .wait()
        }
        #expect(try String(contentsOf: file, encoding: .utf8) == "one\none\ntwo\ntwo\n")
    }

    @Test("the end of a process's input reaches it")
    func endOfInput() throws {
        let process = try ChildProcess("sh", ["-c", "read -r line || exit 3"], pipesInput: true)
        process.closeInput()
        #expect(process.wait() == 3)
    }

    @Test("a program that is not there is an error that names it")
    func missingProgram() throws {
        let error = #expect(throws: PostgresError.self) { try ChildProcess("no-such-program", []) }
        #expect(error?.operation.contains("no-such-program") == true)
    }
}
