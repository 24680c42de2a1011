import Foundation
import Postgres
import TestSupport
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
        #expect(everything(from: process) == "got this\n")
    }

    @Test("both outputs are appended to a file")
    func outputToAFile() throws {
        let file = TestFolder.place("child")
        defer { try? FileManager.default.removeItem(at: file) }
        for word in ["one", "two"] {
            try ChildProcess(
                "sh", ["-c", "echo \(word); echo \(word) >&2"], output: .file(file.path), errors: .file(file.path)
            )
            .wait()
        }
        #expect(try String(contentsOf: file, encoding: .utf8) == "one\none\ntwo\ntwo\n")
    }

    @Test("a program starts in the folder and with the variables that it is given")
    func folderAndEnvironment() throws {
        let process = try ChildProcess(
            "sh", ["-c", "pwd; echo \"$WORD\"; echo ${PATH:+path}"], environment: ["WORD": "a  b"], folder: "/usr",
            output: .pipe)
        #expect(everything(from: process) == "/usr\na  b\npath\n")
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

    /// What it writes until nobody has its output open; nil if it says nothing for a minute.
    private func everything(from process: ChildProcess) -> String? {
        var text: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: 100)
        while true {
            var descriptor = pollfd(fd: process.output, events: Int16(POLLIN), revents: 0)
            guard poll(&descriptor, 1, 60_000) > 0 else { return nil }
            let count = read(process.output, &bytes, bytes.count)
            guard count != 0 else { return String(decoding: text, as: UTF8.self) }
            text += bytes.prefix(max(count, 0))
        }
    }
}
