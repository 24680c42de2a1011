import Glibc

/// A program run as a process of its own, in its own process group: signals of the terminal don't reach it. Belongs to one
/// thread at a time.
public final class ChildProcess {
    /// Where standard output and standard error go.
    public enum Output: Sendable {
        case null
        /// Appended to a file.
        case file(String)
        /// Standard output only: readable from `output`.
        case pipe
    }

    public let identifier: pid_t
    /// The reading end of standard output, where that is a pipe; else -1. Does not block.
    public let output: Int32
    private var input: Int32
    /// What it ended with: the exit code, or 128 and the signal's number as a shell says it. Nil while it runs.
    public private(set) var exitCode: Int32?

    /// Starts a program, found on the PATH where its name has no slash. Standard input is empty, or open until
    /// `closeInput` if it is a pipe. `environment` is added to this process's own; `folder` is where the program starts,
    /// nil for here; `third` is a descriptor that becomes its third one.
    public init(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], folder: String? = nil,
        output: Output = .null, errors: Output = .null, pipesInput: Bool = false, third: Int32? = nil
    ) throws {
        let out = try Descriptors(isWanted: output.isPipe)
        let into = try Descriptors(isWanted: pipesInput)
        defer {
            out.closeWriteEnd()
            into.closeReadEnd()
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if pipesInput {
            posix_spawn_file_actions_adddup2(&actions, into.readEnd, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        ChildProcess.direct(output, to: 1, pipe: out, &actions)
        ChildProcess.direct(errors, to: 2, pipe: out, &actions)
        if let third { posix_spawn_file_actions_adddup2(&actions, third, 3) }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Signals that the caller's thread blocks or ignores must reach the child.
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = Int32(POSIX_SPAWN_SETPGROUP) | Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF)
        posix_spawnattr_setflags(&attributes, Int16(truncatingIfNeeded: flags))

        // Glibc's module has no way for posix_spawn to change the folder.
        let start = folder.map { ["sh", "-c", "cd \"$0\" && exec \"$@\"", $0] } ?? []
        let command = start + [program] + arguments
        let words = command.map { strdup($0) } + [nil]
        let variables = ChildProcess.variables(adding: environment).map { strdup($0) } + [nil]
        defer { for text in words + variables { free(text) } }
        var child = pid_t()
        let result = posix_spawnp(&child, command[0], &actions, &attributes, words, variables)
        guard result == 0 else {
            out.closeReadEnd()
            into.closeWriteEnd()
            throw PostgresError(operation: "start \(program)", message: String(cString: strerror(result)))
        }
        identifier = child
        self.output = out.readEnd
        input = into.writeEnd
        if self.output >= 0 { _ = fcntl(self.output, F_SETFL, O_NONBLOCK) }
    }

    /// A process that still runs is killed.
    deinit {
        end(SIGKILL)
        closeInput()
        if output >= 0 { close(output) }
    }

    /// Writes to its standard input; what it doesn't take is dropped.
    public func write(_ text: String) {
        guard input >= 0 else { return }
        _ = text.withCString { Glibc.write(input, $0, strlen($0)) }
    }

    public func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }

    public func signal(_ number: Int32) {
        guard exitCode == nil else { return }
        kill(identifier, number)
    }

    /// Whether it has ended by now.
    public func hasEnded() -> Bool {
        if exitCode == nil { reap(WNOHANG) }
        return exitCode != nil
    }

    /// Waits for its end; returns the exit code.
    @discardableResult
    public func wait() -> Int32 {
        if exitCode == nil { reap(0) }
        return exitCode ?? -1
    }

    /// Sends a signal and waits for its end.
    @discardableResult
    public func end(_ number: Int32) -> Int32 {
        signal(number)
        return wait()
    }

    private func reap(_ options: Int32) {
        var status: Int32 = 0
        var found = waitpid(identifier, &status, options)
        while found < 0, errno == EINTR { found = waitpid(identifier, &status, options) }
        if found == identifier {
            exitCode = status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
        } else if found < 0 {
            exitCode = -1
        }
    }

    private static func variables(adding added: [String: String]) -> [String] {
        var all: [String] = []
        var next = environ
        while let variable = next.pointee {
            let text = String(cString: variable)
            if added[String(text.prefix { $0 != "=" })] == nil { all.append(text) }
            next += 1
        }
        return all + added.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }

    private static func direct(
        _ output: Output, to descriptor: Int32, pipe: Descriptors, _ actions: inout posix_spawn_file_actions_t
    ) {
        switch output {
        case .null: posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0)
        case .file(let path):
            posix_spawn_file_actions_addopen(&actions, descriptor, path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        case .pipe:
            posix_spawn_file_actions_adddup2(&actions, pipe.writeEnd, descriptor)
        }
    }

    /// The two ends of a stream, closed in every other child; -1 where none is wanted. A pair of sockets, since Glibc's module
    /// has no `pipe2`, and a flag set after `pipe` comes too late for a child that another thread starts in between.
    private struct Descriptors {
        var readEnd: Int32 = -1
        var writeEnd: Int32 = -1

        init(isWanted: Bool) throws {
            guard isWanted else { return }
            var ends: (Int32, Int32) = (-1, -1)
            let made = withUnsafeMutablePointer(to: &ends) { pointer in
                pointer.withMemoryRebound(to: Int32.self, capacity: 2) {
                    socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, $0)
                }
            }
            guard made == 0 else {
                throw PostgresError(operation: "connect a process", message: String(cString: strerror(errno)))
            }
            (readEnd, writeEnd) = ends
        }

        func closeReadEnd() { if readEnd >= 0 { close(readEnd) } }
        func closeWriteEnd() { if writeEnd >= 0 { close(writeEnd) } }
    }
}

extension ChildProcess.Output {
    fileprivate var isPipe: Bool { if case .pipe = self { true } else { false } }
}
