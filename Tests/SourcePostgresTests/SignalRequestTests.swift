import Connectors
import Testing

@testable import SourcePostgres

@Suite("what a signal asks for")
struct SignalRequestTests {
    @Test("a snapshot's tables, kind, conditions and order are read from its data")
    func snapshot() {
        let data = """
            {"data-collections": [" public.a ", "public.a", "s\\\\.b.*"], "type": "incremental",
             "additional-conditions": [{"data-collection": "public.a", "filter": "id > 7"}], "surrogate-key": "id"}
            """
        var expected = SignalRequest.Snapshot(patterns: ["public.a", "s\\.b.*"])
        expected.conditions = [SignalRequest.Condition(pattern: "public.a", filter: "id > 7")]
        expected.surrogateKey = "id"
        #expect(SignalRequest(type: "execute-snapshot", data: data) == .snapshot(expected))
        var blocking = SignalRequest.Snapshot(patterns: ["a.b"])
        blocking.isBlocking = true
        #expect(
            SignalRequest(type: "execute-snapshot", data: #"{"data-collections": ["a.b"], "type": "BLOCKING"}"#)
                == .snapshot(blocking))
        #expect(SignalRequest(type: "stop-snapshot", data: nil) == .stop([]))
        #expect(SignalRequest(type: "pause-snapshot", data: " ") == .pause([]))
        #expect(SignalRequest(type: "log", data: #"{"message": "hello"}"#) == .log("hello"))
        #expect(SignalRequest(type: "snapshot-window-open", data: "x") == SignalRequest.none)
    }

    @Test(
        "what can't be done is refused with its reason",
        arguments: [
            ("execute-snapshot", "{}", "names no table"), ("execute-snapshot", "[]", "no JSON object"),
            ("execute-snapshot", #"{"data-collections": [1]}"#, "no list of texts"),
            ("execute-snapshot", #"{"data-collections": ["a.b"], "type": "FULL"}"#, "neither INCREMENTAL nor BLOCKING"),
            (
                "execute-snapshot",
                #"{"data-collections": ["a.b"], "type": "BLOCKING", "additional-condition": "true"}"#, "whole tables"
            ),
            ("execute-snapshot", #"{"data-collections": ["a.b"], "additional-condition": "a) OR (b"}"#, "don't match"),
            ("schema-changes", "{}", "is none of"), ("log", "{}", "no text"),
        ])
    func refused(type: String, data: String, reason: String) {
        guard case .invalid(let message) = SignalRequest(type: type, data: data) else {
            Issue.record("taken: \(type) \(data)")
            return
        }
        #expect(message.contains(reason), "\(message)")
    }

    @Test(
        "a condition that leaves its parentheses, or ends the statement, is refused",
        arguments: [
            "true) OR (true", "true); DROP TABLE x; --", "a = 1; DELETE FROM b", "a = 'x", "a = \"x", "/* a", "(a",
            "a = E'\\'') OR ('", "a = $$x",
            "false and a = E'a'\n'\\' || ' ) OR id%2=0 OR (false --'", "a = e'a' -- x\r\n  '\\' || ') OR ('",
            "a = 'it''s' )", "a = $x$ ) $y$",
        ])
    func leaves(condition: String) {
        #expect(ConditionText.problem(condition) != nil)
    }

    @Test(
        "a condition with all of that in quotes and comments is taken",
        arguments: [
            "a = ';)'", "a = 'it''s' AND (b IS NULL)", "\"a)\" = 1 -- ) ;", "a = E'\\')' /* ( /* ; */ ) */ AND true",
            "a = $t$ ); $u$ $t$ AND f(b)", "a LIKE '%\\' AND b = 1", "a$b = 1", "a = E'a'\n '\\')' AND true",
            "a = 'a'\n'\\' AND b = ')'",
        ])
    func stays(condition: String) {
        #expect(ConditionText.problem(condition) == nil)
    }
}
