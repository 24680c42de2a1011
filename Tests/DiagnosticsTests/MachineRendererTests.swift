import Diagnostics
import Foundation
import Testing

@Suite struct MachineRendererTests {
    private let file = SourceFile(path: "a dir/x.yaml", text: "k: 1\nk2: \"v\n\"\n")

    private var collector: DiagnosticCollector {
        var collector = DiagnosticCollector()
        collector.report(
            .error(
                .undefined, "say \"no\"\n100%", at: file.range(9, 13), pointer: "/k2",
                notes: [.init("first here", at: file.range(0, 1)), .init("no place")], hint: "mend, it"))
        collector.report(.warning(.other, "nowhere"))
        return collector
    }

    private func objects(_ text: String) throws -> [[String: Any]] {
        try text.split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    @Test("json is one object a diagnostic and a last one with the counts")
    func json() throws {
        let lines = collector.render(.json, files: 3).split(separator: "\n")
        let first = #"""
            {"severity": "error", "code": "FC0402", "message": "say \"no\"\n100%", "file": "a dir/x.yaml", \#
            "line": 2, "column": 5, "end_line": 3, "end_column": 2, "pointer": "/k2", "notes": \#
            [{"message": "first here", "file": "a dir/x.yaml", "line": 1, "column": 1}, \#
            {"message": "no place", "file": null, "line": null, "column": null}], "hint": "mend, it"}
            """#
        let second = #"""
            {"severity": "warning", "code": "FC0007", "message": "nowhere", "file": null, "line": null, \#
            "column": null, "end_line": null, "end_column": null, "pointer": null, "notes": [], "hint": null}
            """#
        #expect(lines.count == 3)
        #expect(lines[0] == first)
        #expect(lines[1] == second)
        #expect(lines[2] == #"{"summary": {"files": 3, "errors": 1, "warnings": 1}}"#)
        #expect(try objects(collector.render(.json, files: 3)).count == 3)
    }

    @Test("github commands escape what would end them")
    func github() {
        #expect(
            collector.render(.github, files: 1) == """
                ::error file=a dir/x.yaml,line=2,endLine=3,col=5,title=FC0402::say "no"%0A100%25%0Anote: first here at \
                a dir/x.yaml:1:1%0Anote: no place%0Ahint: mend, it
                ::warning title=FC0007::nowhere

                """)
    }

    @Test("sarif names each rule once and gives each result its region")
    func sarif() throws {
        let log = try #require(try objects(collector.render(.sarif, files: 1, version: "1.2")).first)
        #expect(log["version"] as? String == "2.1.0")
        let run = try #require((log["runs"] as? [[String: Any]])?.first)
        let driver = try #require((run["tool"] as? [String: Any])?["driver"] as? [String: Any])
        #expect((driver["rules"] as? [[String: Any]])?.compactMap { $0["id"] as? String } == ["FC0007", "FC0402"])
        #expect(driver["version"] as? String == "1.2")
        let help = (driver["rules"] as? [[String: Any]])?.compactMap { $0["help"] as? [String: String] }
        #expect(help?.count == 2 && help?[1]["text"]?.contains("It must be defined.") == true)
        let results = try #require(run["results"] as? [[String: Any]])
        #expect(results.compactMap { $0["level"] as? String } == ["error", "warning"])
        let place = (results[0]["locations"] as? [[String: Any]])?.first?["physicalLocation"] as? [String: Any]
        #expect((place?["artifactLocation"] as? [String: Any])?["uri"] as? String == "a%20dir/x.yaml")
        #expect(place?["region"] as? [String: Int] == ["startLine": 2, "startColumn": 5, "endLine": 3, "endColumn": 2])
        #expect((results[0]["relatedLocations"] as? [Any])?.count == 1)
    }
}
