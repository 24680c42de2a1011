/// The settings that shape values, or that end work which takes long, as every connection has them: a role's, a database's
/// or the server's own never leak into data.
///
/// Set by a statement after connecting: PgBouncer refuses them in the startup packet.
enum SessionSettings {
    private static let values: [(name: String, value: String)] = [
        ("DateStyle", "ISO, YMD"), ("IntervalStyle", "postgres"), ("TimeZone", "UTC"), ("extra_float_digits", "3"),
        ("bytea_output", "hex"), ("lc_monetary", "C"), ("xmloption", "content"),
        // Off, it makes the text of an array's null the text "NULL".
        ("array_nulls", "on"),
        ("client_encoding", "UTF8"), ("standard_conforming_strings", "on"), ("quote_all_identifiers", "off"),
        ("search_path", ""),
        ("default_transaction_isolation", "read committed"), ("default_transaction_deferrable", "off"),
        ("default_transaction_read_only", "off"), ("transform_null_equals", "off"),
        // A policy that would hide rows is an error instead of a copy that lacks them.
        ("row_security", "off"),
        ("statement_timeout", "0"), ("lock_timeout", "0"), ("idle_in_transaction_session_timeout", "0"),
    ]

    /// For a server of this version: newer ones have more timeouts.
    static func statement(serverVersion: Int) -> SQL {
        var all = values
        if serverVersion >= 140_000 { all.append(("idle_session_timeout", "0")) }
        if serverVersion >= 170_000 { all.append(("transaction_timeout", "0")) }
        let list = all.map { "SET \($0.name) = \(SQL.literal($0.value))" }.joined(separator: "; ")
        return "\(raw: list)"
    }
}
