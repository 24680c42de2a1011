import JSONSchema
import TestSupport
import Testing

@Suite struct PatternTests {
    @Test(
        "patterns match as ECMA-262 says",
        arguments: [
            ("", "", true), ("", "x", true), ("a", "bab", true), ("^a", "ba", false), ("a$", "ab", false),
            ("^a$", "a", true),
            ("^a$", "a\n", false), ("a.c", "abc", true), ("a.c", "a\nc", false), ("a.c", "a🙂c", true),
            ("^.$", "🙂", true),
            ("^a*$", "", true), ("^a+$", "", false), ("^a?b$", "b", true), ("^a{2}$", "aa", true),
            ("^a{2}$", "aaa", false),
            ("^a{2,}$", "aaaa", true), ("^a{1,3}$", "aaaa", false), ("^a*?b$", "aab", true),
            ("^(ab|cd)+$", "abcdab", true),
            ("^(?:ab|cd)+$", "abc", false), ("a|^b|c$", "xb", false), ("a||b", "", true), ("^[abc]$", "b", true),
            ("^[^abc]$", "b", false),
            ("^[a-c]$", "b", true), ("^[-a]$", "-", true), ("^[a-]$", "-", true), ("^[\\]]$", "]", true),
            ("[]", "a", false), ("^[^]$", "\n", true),
            ("^\\d$", "5", true), ("^\\d$", "߀", false), ("^\\D$", "߀", true), ("^\\w$", "é", false),
            ("^\\W$", "é", true),
            ("^\\s$", "\u{FEFF}", true), ("^\\s$", "\u{A0}", true), ("^\\s$", "\u{200B}", false),
            ("^[\\s\\S]$", "\n", true), ("^[^\\d]$", "5", false),
            ("^\\p{Letter}+$", "aéλ漢", true), ("^\\p{L}$", "1", false), ("^\\P{L}$", "1", true),
            ("^[\\p{L}\\p{N}_]+$", "é1_", true),
            ("^\\p{Lu}$", "É", true), ("^\\p{Lu}$", "é", false), ("^\\p{gc=Nd}$", "߀", true),
            ("^\\p{Number}$", "Ⅷ", true), ("^\\p{ASCII}$", "é", false),
            ("^\\p{Alphabetic}$", "ⅷ", true), ("^[^\\p{L}]$", "-", true),
            ("^\\u00e9$", "é", true), ("^\\ud83d\\ude42$", "🙂", true), ("^\\u{1F642}$", "🙂", true),
            ("^\\x41$", "A", true), ("^\\cA$", "\u{1}", true),
            ("^\\t\\n\\v\\f\\r\\0$", "\t\n\u{B}\u{C}\r\0", true), ("^\\.\\*\\/\\-$", ".*/-", true),
            ("^[\\b]$", "\u{8}", true),
            ("\\bfoo\\b", "a foo b", true), ("\\bfoo\\b", "afoo", false), ("\\Boo", "foo", true), ("^\\b", "", false),
            ("^(?=.*\\d)(?=.*[a-z]).{4,}$", "abc1", true), ("^(?=.*\\d).*$", "abcd", false),
            ("^(?!pg_)[a-z_]+$", "pg_x", false), ("^(?!pg_)[a-z_]+$", "xpg_", true),
            ("(?<=a)b", "ab", true), ("(?<=a)b", "cb", false), ("(?<!a)b", "cb", true), ("(?<!a)b", "ab", false),
            ("(?<=^ab+)c", "abbbc", true),
            ("^(?<year>\\d{4})$", "2026", true), ("^[\\p{Letter}\\p{Number}\\-_\\.]+$", "a-b_c.d", true),
            ("^[\\p{Letter}\\p{Number}\\-_\\.]+$", "a/b", false),
            ("^\\d+(s|m|h|d)$", "300s", true), ("^\\d+(s|m|h|d)$", "s", false),
            ("^(/([^/~]|(~[01]))+)*$", "/a~1b/c", true), ("^(/([^/~]|(~[01]))+)*$", "/", false),
            ("^x-", "x-a", true), ("^x-", "ax-", false), ("e\u{301}", "é", false),
            ("^(a|aa)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", false),
            ("(x?)*y", "xxxy", true), ("^(a*)*$", "b", false), ("^(()|a)+$", "aa", true), ("^a{0}$", "", true),
            ("^(a{2}){2}$", "aaaa", true),
            ("^\\p{Script=Greek}+$", "λόγος", true), ("^\\p{sc=Grek}+$", "logos", false),
            ("^\\p{Script_Extensions=Deva}$", "।", true), ("^\\p{sc=Deva}$", "।", false),
            ("^\\p{scx=Zyyy}$", "।", false), ("^\\p{sc=Qaai}$", "\u{301}", true), ("^\\P{sc=Latin}$", "é", false),
            ("^\\p{Extended_Pictographic}$", "🙂", true), ("^\\p{RI}{2}$", "🇩🇪", true), ("^\\p{Term}$", "!", true),
            ("^\\p{XID_Start}\\p{XIDC}*$", "é1", true), ("^\\p{Changes_When_Lowercased}$", "É", true),
            ("^(a|b)\\1$", "aa", true), ("^(a|b)\\1$", "ab", false), ("^(?<q>['\"]).*\\k<q>$", "'x\"y'", true),
            ("^(?<q>['\"]).*\\k<q>$", "'xy\"", false), ("^\\1(a)$", "a", true), ("^\\k<x>(?<x>a)$", "a", true),
            ("^(a\\1)$", "a", true), ("^(?:(a)|b)*\\1$", "ab", true), ("^(?:(a)|b)*\\1$", "aba", false),
            ("^(a*)b\\1$", "aabaa", true), ("^(a*)b\\1$", "aaba", false), ("^(a*?)a*b\\1$", "aaab", true),
            ("^(?=(a+))a*b\\1$", "aab", false), ("^(?=(a+))a*b\\1$", "aabaa", true),
            ("^(?=(a+?))a*b\\1$", "aaba", true),
            ("^(?!(a)b)..\\1$", "ac", true), ("(?<=\\1(a))c", "aac", true), ("(?<=\\1(a))c", "bac", false),
            ("(?<=(a)\\1)c", "bac", true), ("^(()|a)+\\2b$", "aab", true),
            ("^(z)((a+)?(b+)?(c))*\\3$", "zaacbbbc", true),
            ("^(é)(?:x|\\1)$", "éé", true), ("^(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)\\10$", "abcdefghijj", true),
            ("b}]", "ab}]", true), ("ab", "xxab", true), ("ab$", "xab", true), ("ab", "a", false),
        ])
    func match(pattern: String, text: String, expected: Bool) throws {
        #expect(try Pattern(pattern).matches(text) == expected)
    }

    @Test(
        "an expression with a mistake is told where",
        arguments: [
            ("a(", "the group that starts here has no ')' at character 2"), ("a)", "unmatched ')' at character 2"),
            ("[a", "the class that starts here has no ']' at character 1"), ("*a", "nothing to repeat at character 1"),
            ("a**", "nothing to repeat at character 3"), ("a{2,1}", "the counts are in the wrong order at character 7"),
            ("a{x}", "a count needs digits at character 3"), ("\\", "a '\\' ends the pattern at character 1"),
            ("\\q", "unknown escape '\\q' at character 1"),
            ("(a)\\2", "there is no group 2 at character 4"), ("\\k<a>", "there is no group named 'a' at character 1"),
            ("\\k", "'\\k' needs a group's name in angle brackets at character 3"),
            ("(?<a>.)(?<a>.)", "two groups have the name 'a' at character 13"),
            ("(?<1>.)", "a group's name needs letters and a closing '>' at character 5"),
            ("\\p{sc=Foo}", "unknown Unicode property 'sc=Foo' at character 4"),
            ("\\p{Greek}", "unknown Unicode property 'Greek' at character 4"),
            ("\\p{Foo}", "unknown Unicode property 'Foo' at character 4"),
            ("[b-a]", "the range's ends are in the wrong order at character 5"),
            ("\\ud800", "a lone surrogate is no character at character 7"),
            ("^*", "an assertion can't be repeated at character 1"),
            ("(?x)", "unknown kind of group at character 3"),
            ("[\\d-z]", "a range needs a character on both sides; escape the '-' at character 6"),
            ("{", "'{' must be escaped at character 1"), ("a{99999}", "a count may be at most 10000 at character 8"),
        ])
    func mistake(pattern: String, message: String) {
        let error = #expect(throws: PatternError.self) { try Pattern(pattern) }
        #expect(error?.description == message)
    }

    @Test(
        "patterns that make other engines hang answer at once",
        arguments: [
            ("^(a+)+$", String(repeating: "a", count: 5000) + "b"),
            ("^(a|a)*$", String(repeating: "a", count: 5000) + "b"),
            ("^(.*a){10}$", String(repeating: "a", count: 1000) + "b"),
            ("(x+x+)+y", String(repeating: "x", count: 2000)),
            ("^(?=(a+)+$)(?!(a|aa)+b)", String(repeating: "a", count: 2000) + "b"),
            ("^(a+)+\\1$", String(repeating: "a", count: 5000) + "b"),
            ("^(.*)*\\1{9000}x", String(repeating: "a", count: 5000) + "b"),
        ])
    func bounded(pattern: String, text: String) throws {
        #expect(try !Pattern(pattern).matches(text))
    }

    @Test("a text that is too long for its pattern is told so instead of being searched for ever")
    func budget() throws {
        let pattern = try Pattern("^(a?){500}b")
        #expect(pattern.search(String(repeating: "a", count: 300_000)) != .match)
        let text = String(repeating: "abc", count: 100_000)
        #expect(try Pattern("^(.*a.*b.*c){300}d$").search(text) == .tooCostly)
    }

    @Test(
        "a pattern that grows too large is refused, however its counts are nested",
        arguments: [
            "((a{1000}){1000}){1000}", "(((((((((a?){9}){9}){9}){9}){9}){9}){9}){9}){9}",
            String(repeating: "(", count: 200),
            String(repeating: "a", count: 50_000),
        ])
    func size(pattern: String) {
        #expect(throws: PatternError.self) { try Pattern(pattern) }
    }

    @Test("random expressions and texts never crash or hang")
    func random() {
        let parts = [
            "a", "b", "(", ")", "[", "]", "^", "$", "*", "+", "?", "{2}", "{1,3}", "|", ".", "\\d", "\\b", "\\p{L}",
            "(?=", "(?!", "(?<=", "(?:", "-", "\\u00e9", "é", "\\1", "\\2", "+?",
        ]
        var random = SplitMix(state: 7)
        var compiled = 0
        for _ in 0..<20_000 {
            let source = (0..<(1 + random.below(12))).map { _ in parts[random.below(parts.count)] }.joined()
            guard let pattern = try? Pattern(source) else { continue }
            compiled += 1
            let text = (0..<random.below(30)).map { _ in ["a", "b", "1", "é", "-", "\n"][random.below(6)] }.joined()
            #expect(pattern.search(text) != .tooCostly)
        }
        #expect(compiled > 1000)
    }
}
