import Diagnostics
import Foundation
import JSON
import Testing
import YAML

@Suite("formatting of random texts")
struct FormattingPropertyTests {
    private static let seeds: Range<UInt64> =
        0..<(ProcessInfo.processInfo.environment["FORMAT_SEEDS"].flatMap(UInt64.init) ?? 400)

    private static let order = KeyOrder(
        ["$schema", "import", "captures", "tests"],
        other: KeyOrder(["key", "schema", "bindings"], items: KeyOrder(["schema", "key"])), separatesSections: true)

    private func format(_ text: String) -> (text: String?, faults: DiagnosticCollector) {
        var found = DiagnosticCollector()
        let file = SourceFile(path: "wild.yaml", text: text)
        return (YAMLFormatter(order: Self.order).format(file, &found), found)
    }

    @Test("formatting keeps the meaning and every comment, and a second time changes nothing")
    func properties() throws {
        var valid = 0
        for seed in Self.seeds {
            let (text, comments) = WildYAML.text(seed: seed)
            let before = Parsed(text)
            if !before.diagnostics.isEmpty { continue }
            valid += 1
            let (found, faults) = format(text)
            guard let once = found else {
                Issue.record("seed \(seed) is refused: \(faults.render(.human, files: 1))\n\(text)")
                return
            }
            guard Parsed(once).value == before.value, !once.contains("\r"), !once.hasPrefix("\u{FEFF}") else {
                Issue.record("seed \(seed) has another meaning:\n\(text)\n=>\n\(once)")
                return
            }
            for number in 1..<(comments + 1)
            where text.contains("#c\(number).") && once.components(separatedBy: "#c\(number).").count != 2 {
                Issue.record("seed \(seed): comment \(number) is not there once:\n\(text)\n=>\n\(once)")
                return
            }
            let twice = format(once).text
            guard twice == once else {
                let lines = zip(once.split(separator: "\n"), (twice ?? "nothing").split(separator: "\n"))
                let first = lines.first { $0 != $1 }.map { "\($0)\n\($1)" } ?? "the length or empty lines"
                Issue.record("seed \(seed) changes again:\n\(text)\n=>\n\(once)\nfirst difference:\n\(first)")
                return
            }
        }
        #expect(valid > Self.seeds.count * 3 / 4, "\(valid) of \(Self.seeds.count) texts are YAML")
    }
}
