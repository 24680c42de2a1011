import Testing

@Suite("the rooms and the arrows between them")
struct ArrowTests {
    let table: ArrowTable

    init() throws {
        table = ArrowTable(markdown: try Repository.text("docs/architecture.md"))
    }

    @Test("every import is an arrow of the table in docs/architecture.md")
    func importsFollowTheTable() throws {
        for path in Repository.sources {
            let room = String(path.split(separator: "/")[1])
            let allowed = try #require(table.targets[room], "\(room) is not in the table")
            let strange = ArrowTable.imports(of: try Repository.text(path))
                .subtracting(allowed).subtracting(ArrowTable.ground)
            #expect(strange.isEmpty, "\(path) imports \(strange.sorted()), to which no arrow leads from \(room)")
        }
    }

    @Test("every room of Sources is in the table, and the table has no other")
    func tableIsComplete() throws {
        #expect(Set(table.targets.keys) == Set(try Repository.rooms()).subtracting(["CLibPQ", "CLibYAML"]))
    }

    @Test("Package.swift declares exactly the arrows of the table")
    func manifestAgrees() throws {
        let manifest = ArrowTable(manifest: try Repository.text("Package.swift"))
        for room in Set(manifest.targets.keys).union(table.targets.keys).sorted() {
            #expect(manifest.targets[room] == table.targets[room], "\(room)")
        }
    }

    @Test("every room that a test imports is declared for it: else a fresh build finds it by luck only")
    func testsDeclareTheirRooms() throws {
        let manifest = try Repository.text("Package.swift")
        for match in manifest.matches(of: /\btests\(\s*"(\w+)",\s*\[([^\]]*)\]/) {
            let declared = Set(match.2.matches(of: /"(\w+)"/).map { String($0.1) }).union(["TestSupport"])
            for path in Repository.files(under: "Tests/\(match.1)Tests", suffix: ".swift") {
                let rooms = ArrowTable.imports(of: try Repository.text(path)).intersection(table.targets.keys)
                let missing = rooms.subtracting(declared)
                #expect(missing.isEmpty, "\(path) imports \(missing.sorted()), which Package.swift does not give it")
            }
        }
    }

    @Test("no arrow leads in a circle")
    func noCircles() {
        func reaches(_ from: String, _ goal: String, _ seen: inout Set<String>) -> Bool {
            for next in table.targets[from] ?? [] where seen.insert(next).inserted {
                if next == goal || reaches(next, goal, &seen) { return true }
            }
            return false
        }
        for room in table.targets.keys {
            var seen: Set<String> = []
            #expect(!reaches(room, room, &seen), "\(room) leads back to itself")
        }
    }

    @Test(
        "an import is seen in each of its forms",
        arguments: [
            ("import Glibc", "Glibc"), ("public import JSON", "JSON"), ("@testable import Catalog", "Catalog"),
            ("import struct Foundation.Data", "Foundation"), ("@_exported import CLibPQ", "CLibPQ"),
            ("  import Logging  // why", "Logging"), ("@preconcurrency package import YAML", "YAML"),
        ])
    func importForms(line: String, module: String) {
        #expect(ArrowTable.imports(of: "// import Nothing\n\(line)\nlet important = 1\n") == [module])
    }
}
