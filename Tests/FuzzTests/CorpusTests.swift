import Foundation
import FuzzTrials
import TestSupport
import Testing

@Suite("inputs that fuzzing has found, and others like them")
struct CorpusTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()

    /// Those written by hand, and those that each took a way through the parsers that none before had taken.
    private static func inputs(_ trial: FuzzTrial) throws -> [[UInt8]] {
        let found = try String(
            contentsOf: folder.appending(path: "Found/\(trial.rawValue).base64"), encoding: .utf8)
        return try written(trial)
            + found.split(separator: "\n").map { Array(try #require(Data(base64Encoded: String($0)))) }
    }

    private static func written(_ trial: FuzzTrial) throws -> [[UInt8]] {
        let folder = folder.appending(path: "Corpus").appending(path: trial.rawValue)
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map {
            Array(try Data(contentsOf: folder.appending(path: $0)))
        }
    }

    @Test("each one of the corpus is done soon", arguments: FuzzTrial.allCases)
    func corpus(trial: FuzzTrial) throws {
        let inputs = try Self.inputs(trial)
        #expect(!inputs.isEmpty)
        for input in inputs {
            let time = ContinuousClock().measure { trial.run(input) }
            #expect(time < .seconds(60), "\(String(decoding: input.prefix(200), as: UTF8.self))")
        }
    }

    @Test("a thousand changes of them end no trial badly", arguments: FuzzTrial.allCases)
    func changes(trial: FuzzTrial) throws {
        let inputs = try Self.inputs(trial)
        var random = SplitMix(state: 2026)
        for round in 0..<1000 {
            var bytes = inputs[round % inputs.count]
            let other = inputs[random.below(inputs.count)]
            for _ in 0...random.below(4) {
                let place = random.below(bytes.count + 1)
                switch random.below(4) {
                case 0: bytes.insert(UInt8(random.below(256)), at: place)
                case 1: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.below(8)))
                case 2: bytes.insert(contentsOf: other.dropFirst(random.below(other.count + 1)).prefix(20), at: place)
                default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 16)], at: place)
                }
            }
            trial.run(bytes)
        }
    }
}
