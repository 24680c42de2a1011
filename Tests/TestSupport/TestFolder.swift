import Foundation
import Synchronization

/// The one place below which tests write files: a folder of this process' own in the temporary directory. It goes away as the
/// process ends; what one left that was killed goes away with the next that begins.
public enum TestFolder {
    private static let prefix = "flowctl-test-files-"
    private static let count = Atomic<Int>(0)

    /// Others may look into it, since servers run as another user.
    private static let root: URL = {
        let parent = FileManager.default.temporaryDirectory
        for name in (try? FileManager.default.contentsOfDirectory(atPath: parent.path)) ?? [] {
            guard name.hasPrefix(prefix), let process = Int32(name.dropFirst(prefix.count)) else { continue }
            let isAlive = process != getpid() && (kill(process, 0) == 0 || errno != ESRCH)
            if !isAlive { try? FileManager.default.removeItem(at: parent.appending(path: name)) }
        }
        let own = parent.appending(path: "\(prefix)\(getpid())")
        try? FileManager.default.createDirectory(
            at: own, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        atexit { TestFolder.clear() }
        return own
    }()

    /// A path for a file or a folder, with a name that ends like this one and that nothing else has. Nothing is made there. It is
    /// short, since sockets below it may have a hundred bytes.
    public static func place(_ name: String) -> URL {
        root.appending(path: "\(count.add(1, ordering: .relaxed).newValue)-\(name)")
    }

    private static func clear() {
        try? FileManager.default.removeItem(at: root)
    }
}
