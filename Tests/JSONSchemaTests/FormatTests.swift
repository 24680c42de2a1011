import JSONSchema
import Testing

@Suite struct FormatTests {
    private static let valid: [String: [String]] = [
        "date": ["2024-02-29", "0001-01-01"],
        "time": ["23:59:59Z", "08:30:06.28123+02:30", "23:59:60Z", "15:59:60-08:00"],
        "date-time": ["1985-04-12T23:20:50.52Z", "1990-12-31t15:59:60-08:00"],
        "duration": ["P4DT12H30M5S", "PT0S", "P1Y2M", "P2W", "PT36H"],
        "email": ["joe.bloggs@example.com", "\"joe bloggs\"@example.com", "a@[127.0.0.1]", "te~st@x.y"],
        "idn-email": ["실례@실례.테스트"], "hostname": ["www.example.com", "a-b.c", "1host"], "idn-hostname": ["실례.테스트"],
        "ipv4": ["192.168.0.1", "0.0.0.0"],
        "ipv6": ["::1", "::", "1::d6:192.168.0.1", "1:2:3:4:5:6:7:8", "fe80::a", "1::", "::ffff:1.2.3.4"],
        "uri": ["http://foo.bar/?q=a#b", "urn:a:b", "http://[::1]:80/", "file:///a"],
        "uri-reference": ["a/b", "#x", "//h/p", "?q"],
        "iri": ["http://ƒøø.ßår/"], "iri-reference": ["âππ"],
        "uuid": ["2EB8AA08-AA98-11EA-B4AA-73B441D16380"], "regex": ["^a+$"], "json-pointer": ["", "/a~0b"],
        "relative-json-pointer": ["1", "0#", "2/a"],
        "integer": ["-123456789012345678901234567890", "+1", "007"],
        "number": ["NaN", "-Infinity", "1.50", "-.5e-10", "12"],
        "uint32": ["0", "4294967295"], "uint64": ["18446744073709551615"],
        "macaddr": ["08:00:2b:01:02:03", "08-00-2b-01-02-03", "0800.2b01.0203", "08002b:010203", "08002b010203"],
        "macaddr8": ["08:00:2b:01:02:03:04:05", "08:00:2b:01:02:03"], "sops": ["ENC[x]"],
        "no-such-format": ["anything"],
    ]

    private static let invalid: [String: [String]] = [
        "date": ["2023-02-29", "2024-13-01", "2024-1-1", "", "2024-01-01x", "২024-01-01"],
        "time": ["24:00:00Z", "12:00:00", "12:00:60Z", "12:00Z", "12:00:00.Z"],
        "date-time": ["1985-04-12 23:20:50Z", "1985-04-12T23:20:50", "T"],
        "duration": ["P", "PT", "P1", "P1H", "P1Y2W", "PT1D", "P1YT", "1D", "P1D2M", "P1Y3D"],
        "email": ["a", "@b", "a@", ".a@b", "a..b@c", "a b@c", "é@b.c"],
        "hostname": ["", "-a", "a-", "a..b", "a_b", String(repeating: "a", count: 64)],
        "ipv4": ["256.0.0.1", "1.2.3", "01.2.3.4", "1.2.3.4.5", "1.2.3.a", ""],
        "ipv6": [
            "12345::", "::1::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", ":1", "1:", "::g", "::1.2.3", "", ":",
            "1:2:3:4:5:6:7::8:9",
        ],
        "uri": ["//a", "a b", "http://a/%zz", "é:b", "http://[::1", "http://a:b", ":x"],
        "uri-reference": ["a b", "\\a", "#a#b", "a:b c"],
        "uuid": ["2eb8aa08-aa98-11ea-b4aa73b441d16380", "2eb8aa08-aa98-11ea-b4aa-73b441d1638g", ""], "regex": ["a("],
        "json-pointer": ["a", "/~"], "relative-json-pointer": ["-1", "01", "/a", "#", ""],
        "integer": ["", "1.0", "-", "1e3", "x"], "number": ["", ".", "Infinit", "1e", "+Infinity", "0x1"],
        "uint32": ["-1", "4294967296", ""], "uint64": ["18446744073709551616"],
        "macaddr": ["08:00:2b:01:02", "08:00:2b:01:02:0g", "", "08:00-2b:01:02:03"],
        "macaddr8": ["08:00"],
    ]

    @Test("each format allows what it should", arguments: valid.keys.sorted())
    func allows(format: String) {
        for text in Self.valid[format] ?? [] { #expect(Format.allows(text, format), "\(text)") }
    }

    @Test("each format refuses what it should", arguments: invalid.keys.sorted())
    func refuses(format: String) {
        for text in Self.invalid[format] ?? [] { #expect(!Format.allows(text, format), "\(text)") }
        #expect(Format.isKnown(format))
    }
}
