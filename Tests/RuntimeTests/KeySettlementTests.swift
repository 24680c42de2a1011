import Connectors
import Testing

@testable import Runtime

@Suite("what looks at both ends say of a key")
struct KeySettlementTests {
    /// Looks at one key: `nil` is no row, a text its version and, behind a colon, its content.
    private struct Looks {
        var settlement = KeySettlement(count: 1)

        private static func row(_ text: String?) -> RowSight? {
            guard let parts = text?.split(separator: ":"), parts.count == 2 else { return nil }
            return RowSight(version: String(parts[0]), hash: Int64(parts[1]) ?? 0)
        }

        mutating func source(_ text: String?, _ position: UInt64, committing: Set<String> = []) {
            let sighting = Sighting(position: LogPosition(position), rows: [Looks.row(text)], committing: committing)
            settlement.look(atSource: sighting, of: [0])
        }

        mutating func destination(_ text: String?, _ position: UInt64) {
            settlement.look(atDestination: Sighting(position: LogPosition(position), rows: [Looks.row(text)]), of: [0])
        }

        var verdict: KeySettlement.Verdict? { settlement.verdicts[0] }
    }

    @Test("a destination that is behind is waited for, whatever it shows")
    func behind() {
        var looks = Looks()
        for round in 0..<5 {
            looks.source("a:1", 100 + UInt64(round))
            looks.destination("x:2", 99)
            #expect(looks.verdict == nil)
        }
        looks.source("a:1", 110)
        looks.destination("y:1", 99)
        #expect(looks.verdict == .equal)
    }

    @Test("a row that stays at the source is missing or differs once the link has passed it, and it is there still")
    func stays() {
        var missing = Looks()
        missing.source("a:1", 100)
        missing.destination(nil, 100)
        #expect(missing.verdict == nil)
        missing.source("a:1", 120)
        #expect(missing.verdict == .missing)

        var differs = Looks()
        differs.source("a:1", 100)
        differs.destination("x:2", 105)
        differs.source("a:1", 120)
        #expect(differs.verdict == .differs)
    }

    @Test(
        "a commit that the link has brought before the source shows it is no difference; what stays after it has ended is"
    )
    func committing() {
        for before in ["a:1", nil] {
            // A change, and a row that is new, by a transaction that both looks still don't show.
            var looks = Looks()
            looks.source(before, 100, committing: ["7"])
            looks.destination("x:2", 130)
            looks.source(before, 140, committing: ["7", "8"])
            looks.destination("x:2", 150)
            looks.source(before, 160, committing: ["7", "9"])
            looks.destination("x:2", 170)
            #expect(looks.verdict == nil)
            var shown = looks
            shown.source("b:2", 180)
            shown.destination("x:2", 190)
            #expect(shown.verdict == .equal)
            // Others than those that were committing as it came mean nothing.
            looks.source(before, 180, committing: ["9", "10"])
            looks.destination("x:2", 190)
            #expect(looks.verdict == (before == nil ? .extra : .differs))
        }
        var gone = Looks()
        gone.source("a:1", 100)
        gone.destination(nil, 130)
        gone.source("a:1", 140, committing: ["7"])
        #expect(gone.verdict == nil)
        gone.destination(nil, 150)
        gone.source(nil, 160)
        gone.destination(nil, 170)
        #expect(gone.verdict == .equal)
    }

    @Test("a row that goes to and fro between two contents is no difference")
    func toAndFro() {
        var looks = Looks()
        looks.source("a:1", 100)
        // The link has passed a change that the source's looks step over.
        looks.destination("x:2", 105)
        looks.source("c:1", 110)
        #expect(looks.verdict == nil)
        looks.destination("x:2", 111)
        looks.source("e:1", 120)
        #expect(looks.verdict == nil)
        looks.destination("y:1", 121)
        #expect(looks.verdict == .equal)
    }

    @Test("what the source had counts until the link has passed the next look, and no longer")
    func had() {
        var inTime = Looks()
        inTime.source("a:1", 100)
        inTime.destination("x:9", 90)
        inTime.source("b:2", 120)
        inTime.destination("y:1", 119)
        #expect(inTime.verdict == .equal)

        var late = Looks()
        late.source("a:1", 100)
        late.destination("x:9", 90)
        late.source("b:2", 120)
        late.destination("y:1", 120)
        #expect(late.verdict == nil)
        late.source("b:2", 130)
        #expect(late.verdict == .differs)
    }

    @Test("a row that the source lacks is extra only where it outlives the place of a look, as the same version")
    func extra() {
        var stays = Looks()
        stays.source(nil, 100)
        stays.destination("x:1", 100)
        #expect(stays.verdict == nil)
        stays.source(nil, 110)
        stays.destination("x:1", 109)
        #expect(stays.verdict == nil)
        stays.source(nil, 130)
        stays.destination("x:1", 110)
        #expect(stays.verdict == .extra)

        var comesAndGoes = Looks()
        comesAndGoes.source(nil, 100)
        for round in 1...5 {
            comesAndGoes.destination("version\(round):1", 100 * UInt64(round) + 50)
            comesAndGoes.source(nil, 100 * UInt64(round) + 60)
            #expect(comesAndGoes.verdict == nil)
        }
        comesAndGoes.destination(nil, 1000)
        #expect(comesAndGoes.verdict == .equal)
    }
}
