import Foundation
import Postgres

/// The major version of the servers that tests start; 0 where there is none.
public let serverVersion: Int = {
    guard let binaries = try? ServerBinaries.find() else { return 0 }
    let process = Process()
    process.executableURL = URL(filePath: binaries.program("postgres"))
    process.arguments = ["--version"]
    process.environment = ProcessInfo.processInfo.environment.merging(binaries.environment) { $1 }
    let pipe = Pipe()
    process.standardOutput = pipe
    guard (try? process.run()) != nil else { return 0 }
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let number = text.split(separator: " ").dropFirst(2).first?.prefix { $0.isNumber }
    return number.flatMap { Int($0) } ?? 0
}()

/// Whether the servers that tests start have ICU's collations: a server can be built without.
public let serverHasICU: Bool = {
    guard let pair = try? TestServers.freshDatabases("icu"), let connection = try? Connection(pair.source) else {
        return false
    }
    let found = try? connection.query("SELECT FROM pg_collation WHERE collname = 'und-x-icu'")
    connection.close()
    try? TestServers.drop(pair.source)
    try? TestServers.drop(pair.destination)
    return (found?.count ?? 0) > 0
}()
