import TestSupport

/// Types of a server with its contrib extensions and of a user, each with values at the edges of its text form.
enum TypeZoo {
    struct Species {
        var type: String
        var values: [String]
    }

    static let schema = "zoo"

    static let extensions = ["hstore", "citext", "ltree", "isn", "cube", "seg", "intarray", "lo", "earthdistance"]

    /// Run in a session that has no search path.
    static let types = #"""
        CREATE SCHEMA zoo;
        CREATE SCHEMA "Odd schema";
        CREATE TYPE zoo.mood AS ENUM ('sad', 'ok', 'Very "happy"', 'it''s', '');
        CREATE DOMAIN zoo.positive AS numeric(12,3) CHECK (VALUE > 0);
        CREATE DOMAIN zoo.small AS zoo.positive CONSTRAINT "Not big" CHECK (VALUE < 1000);
        CREATE DOMAIN zoo.moods AS zoo.mood[];
        CREATE DOMAIN zoo.text_c AS text COLLATE "C" NOT NULL;
        CREATE TYPE zoo.pair AS (a int, "B b" text);
        CREATE TYPE zoo.nest AS (p zoo.pair, ps zoo.pair[], m zoo.mood, d zoo.small, t timestamptz, f float8, b bytea);
        CREATE DOMAIN zoo.pairs AS zoo.pair CHECK ((VALUE).a IS NULL OR (VALUE).a > -100);
        CREATE TYPE "Odd schema"."Type ""q""" AS ENUM ('x');
        """#

    static let digits = String(repeating: "1234567890", count: 40)

    static let all: [Species] = (numbers + texts + times + shapes + others + ranges + arrays + contrib + own)
        .filter { serverVersion >= 15 || !since15.contains($0.type) }

    /// Scales below 0 and above the precision.
    private static let since15: Set<String> = ["numeric(3,-2)", "numeric(2,5)"]

    private static let numbers: [Species] = [
        Species(type: "smallint", values: ["-32768", "32767", "0"]),
        Species(type: "integer", values: ["-2147483648", "2147483647"]),
        Species(type: "bigint", values: ["-9223372036854775808", "9223372036854775807"]),
        Species(
            type: "numeric",
            values: [
                "NaN", "Infinity", "-Infinity", digits, "-" + digits + "." + digits, "0.000", "1.10", "-0.0",
                "1e-1000", "1e1000",
            ]),
        Species(type: "numeric(10,2)", values: ["99999999.99", "-0.01", "NaN"]),
        Species(type: "numeric(3,-2)", values: ["99900", "-100"]),
        Species(type: "numeric(2,5)", values: ["0.00099"]),
        Species(type: "real", values: ["-0", "0", "NaN", "-Infinity", "3.4028235e38", "1e-45", "0.1"]),
        Species(
            type: "double precision",
            values: ["-0", "0", "NaN", "Infinity", "1.7976931348623157e308", "5e-324", "0.1", "123456789012345678"]),
        Species(type: "money", values: ["-92233720368547758.08", "92233720368547758.07", "0.01"]),
        Species(type: "oid", values: ["0", "4294967295"]),
        Species(type: "xid", values: ["0", "4294967295"]),
        Species(type: "xid8", values: ["18446744073709551615", "3"]),
        Species(type: "cid", values: ["4294967295"]),
        Species(type: "tid", values: ["(4294967295,65535)", "(0,1)"]),
        Species(type: "pg_lsn", values: ["0/0", "FFFFFFFF/FFFFFFFF"]),
        Species(type: "boolean", values: ["t", "f"]),
    ]

    private static let texts: [Species] = [
        Species(
            type: "text",
            values: [
                "", "NULL", "\\N", "\\.", "a\tb\nc\r\u{B}\u{8}\\", "\u{1}\u{7F}", "日本語 🐘 e\u{301}", "'\"{},()", " ",
                String(repeating: "x", count: 20_000),
            ]),
        Species(type: "character varying(10)", values: ["", "ééééééééé ", "a         "]),
        Species(type: "character(5)", values: ["", "a", "ab   "]),
        Species(type: "bpchar", values: ["a  ", ""]),
        Species(type: "\"char\"", values: ["", "a", "\\"]),
        Species(type: "name", values: ["", String(repeating: "é", count: 31)]),
        Species(type: "bytea", values: ["", "\\x00ff5c0a", "\\x5c78"]),
        Species(
            type: "uuid", values: ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]),
        Species(type: "xml", values: ["<a b=\"1\">&lt;\n</a>", "text <b/> more", ""]),
        Species(
            type: "json",
            values: [
                "{\"a\" : 1,\n \"a\":2}", "\"\\ud800\"", "\"\\u0000\"", "1e400", "-0.0", " null ",
            ]),
        Species(type: "jsonb", values: ["{\"b\":1.10,\"a\":[1,{}]}", "null", "-0.0", "\"\\\\ \\\" 🐘\"", "1e400"]),
        Species(type: "jsonpath", values: ["$.\"a b\"[*] ? (@ > 1)", "strict $"]),
        Species(type: "tsvector", values: ["", "'a b':1A,2 'c''d':16383", "'\\\\'"]),
        Species(type: "tsquery", values: ["", "'a' & !('b' <3> 'c':*AB)"]),
        Species(type: "bit(5)", values: ["00000", "10101"]),
        Species(type: "bit varying(70)", values: ["", String(repeating: "10", count: 35)]),
        Species(type: "refcursor", values: ["a b", ""]),
    ]

    private static let times: [Species] = [
        Species(
            type: "timestamp without time zone",
            values: [
                "infinity", "-infinity", "4713-01-01 00:00:00 BC", "294276-12-31 23:59:59.999999", "0001-12-31 BC",
            ]),
        Species(type: "timestamp(0) without time zone", values: ["2024-02-29 23:59:59.6"]),
        Species(
            type: "timestamp with time zone",
            values: [
                "infinity", "-infinity", "4713-01-01 00:00:00+00 BC", "294276-12-31 23:59:59.999999+00",
                "2024-10-27 02:30:00+01", "1883-11-18 12:03:57.5+00",
            ]),
        Species(type: "timestamp(3) with time zone", values: ["2024-01-01 00:00:00.1239+05:30"]),
        Species(type: "date", values: ["infinity", "-infinity", "4713-01-01 BC", "5874897-12-31", "2024-02-03"]),
        Species(type: "time without time zone", values: ["24:00:00", "00:00:00", "23:59:59.999999"]),
        Species(type: "time with time zone", values: ["24:00:00-15:59", "00:00:00+15:59:59", "12:00:00.1+00"]),
        Species(
            type: "interval",
            values: [
                "-1 year -2 mons +3 days -04:05:06.789", "178000000 years", "-00:00:00.000001", "0", "1 mon -1 days",
            ]),
        Species(type: "interval year to month", values: ["3 years 2 mons", "-1 mon"]),
        Species(type: "interval(2)", values: ["1.239 s"]),
    ]

    private static let shapes: [Species] = [
        Species(type: "point", values: ["(-0,NaN)", "(1e300,Infinity)", "(0.1,0.2)"]),
        Species(type: "line", values: ["{1,-1,0}", "{0.1,0.2,0.3}"]),
        Species(type: "lseg", values: ["[(0,0),(0.1,-0.2)]"]),
        Species(type: "box", values: ["(2,2),(0.1,-0)"]),
        Species(type: "path", values: ["[(0,0),(1,1)]", "((0,0),(1,1.1))"]),
        Species(type: "polygon", values: ["((0,0),(1,1),(0.1,3))"]),
        Species(type: "circle", values: ["<(0.1,0.2),0.3>", "<(0,0),0>"]),
        Species(type: "inet", values: ["::1/64", "10.1.2.3/8", "::ffff:1.2.3.4", "255.255.255.255"]),
        Species(type: "cidr", values: ["10.0.0.0/8", "2001:db8::/32", "0.0.0.0/0"]),
        Species(type: "macaddr", values: ["ff:ff:ff:ff:ff:fe"]),
        Species(type: "macaddr8", values: ["08:00:2b:01:02:03:04:05"]),
    ]

    private static let others: [Species] = [
        Species(type: "regclass", values: ["pg_class", "0"]),
        Species(type: "regtype", values: ["integer", "character varying", "-"]),
        Species(type: "regproc", values: ["pg_catalog.now", "-"]),
        Species(type: "regprocedure", values: ["abs(integer)"]),
        Species(type: "regoper", values: ["||/"]),
        Species(type: "regoperator", values: ["+(integer,integer)"]),
        Species(type: "regconfig", values: ["english"]),
        Species(type: "regdictionary", values: ["simple"]),
        Species(type: "regnamespace", values: ["pg_catalog"]),
        Species(type: "regrole", values: ["postgres"]),
        Species(type: "regcollation", values: ["\"C\""]),
        Species(type: "int2vector", values: ["", "1 -2 3"]),
        Species(type: "oidvector", values: ["", "1 4294967295"]),
        Species(type: "aclitem", values: ["postgres=r*w/postgres", "=r/postgres"]),
        Species(type: "txid_snapshot", values: ["10:20:10,14"]),
        Species(type: "pg_snapshot", values: ["10:20:10,14,15"]),
    ]

    private static let ranges: [Species] = [
        Species(type: "int4range", values: ["empty", "(,)", "[1,10)", "(,5)"]),
        Species(type: "int8range", values: ["[-9223372036854775808,9223372036854775807)"]),
        Species(type: "numrange", values: ["[1.10,2.200]", "(NaN,)", "[-Infinity,Infinity]"]),
        Species(type: "tsrange", values: ["[\"2024-01-01 00:00:00\",infinity)", "[\"0044-03-15 12:00:00 BC\",]"]),
        Species(type: "tstzrange", values: ["[\"2024-01-01 00:00:00+05\",\"2024-01-01 00:00:00.5+00\"]"]),
        Species(type: "daterange", values: ["[2024-01-02,infinity]", "[\"4713-01-01 BC\",2024-02-03)"]),
        Species(type: "int4multirange", values: ["{}", "{[1,3),[5,7)}", "{(,)}"]),
        Species(type: "nummultirange", values: ["{[1.10,2.200],(3,)}"]),
        Species(type: "tstzmultirange", values: ["{[\"2024-01-01 00:00:00+05\",\"2024-01-02 00:00:00+00\"]}"]),
        Species(type: "datemultirange", values: ["{[2024-01-02,2024-03-04),[2025-01-01,)}"]),
    ]

    private static let arrays: [Species] = [
        Species(type: "integer[]", values: ["{}", "[0:1]={1,NULL}", "[-2:-1][3:4]={{1,2},{3,4}}", "{{{1}}}"]),
        Species(
            type: "text[]", values: ["{NULL,\"NULL\",\"\",\"a b\",\"{\",\"\\\"\\\\\",\"\\\\N\"}", "{null}", "{\"\n\"}"]),
        Species(type: "numeric(5,1)[]", values: ["{NaN,1.0,-99.9}"]),
        Species(type: "timestamp with time zone[]", values: ["{infinity,\"0044-03-15 12:00:00+00 BC\",NULL}"]),
        Species(type: "box[]", values: ["{(2,2),(1,1);(4,4),(3,3)}"]),
        Species(type: "bytea[]", values: ["{\"\\\\x00ff\",\"\\\\x\"}"]),
        Species(type: "interval[]", values: ["{\"1 mon -1 days\",\"-00:00:01\"}"]),
    ]

    private static let contrib: [Species] = [
        Species(type: "zoo.hstore", values: ["", "\"a b\"=>NULL, \"c\"=>\"NULL\", \"\"=>\"\\\"\""]),
        Species(type: "zoo.citext", values: ["Abc", "", "ÉÉ"]),
        Species(type: "zoo.ltree", values: ["Top.Science.A_1", ""]),
        Species(type: "zoo.lquery", values: ["Top.*{1,2}.!a|b@*"]),
        Species(type: "zoo.ltxtquery", values: ["Europe & Russia*@ & !Transportation"]),
        Species(type: "zoo.ean13", values: ["9780393040029"]),
        Species(type: "zoo.isbn13", values: ["978-0-393-04002-9"]),
        Species(type: "zoo.isbn", values: ["0-393-04002-X", "978-0-393-04002-9"]),
        Species(type: "zoo.ismn", values: ["M-2306-7118-7"]),
        Species(type: "zoo.issn", values: ["1436-4522"]),
        Species(type: "zoo.upc", values: ["220356483481"]),
        Species(type: "zoo.cube", values: ["(1.1,-0),(2,NaN)", "(0)", "()"]),
        Species(type: "zoo.seg", values: ["1.50", "~6.5 .. >8.0", "5(+-)0.3", "1 .."]),
        Species(type: "zoo.query_int", values: ["1&(2|!3)"]),
        Species(type: "zoo.lo", values: ["42"]),
        Species(type: "zoo.earth", values: ["(6378168, 0, 0)"]),
    ]

    private static let own: [Species] = [
        Species(type: "zoo.mood", values: ["sad", "Very \"happy\"", "it's", ""]),
        Species(type: "zoo.positive", values: ["0.001", "999999999.999"]),
        Species(type: "zoo.small", values: ["1.100"]),
        Species(type: "zoo.moods", values: ["{sad,\"\",\"Very \\\"happy\\\"\"}", "[3:3]={ok}"]),
        Species(type: "zoo.text_c", values: ["ä", ""]),
        Species(type: "zoo.pair", values: ["(1,\"a \"\"b\"\" \\\\ ,\")", "(,)", "(,\"\")"]),
        Species(type: "zoo.pair[]", values: ["{\"(1,\\\"a,b\\\")\",NULL,\"(,)\"}"]),
        Species(
            type: "zoo.nest",
            values: [
                "(\"(1,x)\",\"{\"\"(2,y)\"\"}\",ok,1.5,\"2024-01-01 00:00:00+05\",-0,\"\\\\x00ff\")", "(,,,,,,)",
            ]),
        Species(type: "zoo.pairs", values: ["(3,z)"]),
        Species(type: "\"Odd schema\".\"Type \"\"q\"\"\"", values: ["x"]),
    ]
}
