import Connectors
import Postgres

/// What the two ends' encodings come to.
extension PostgresTransactor {
    func concern(sourceEncoding source: String) throws -> String? {
        let rows = try scope("open").rethrowing { try session.connection.query("SELECT getdatabaseencoding()") }
        guard let encoding = rows[0, 0], encoding != source else { return nil }
        let remedy = "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0 makes one that takes every text"
        let both = "the source's encoding is \(source), the destination's is \(encoding): "
        if source == "SQL_ASCII" { return both + "bytes of the source that are no text in UTF8 will stop the link" }
        switch encoding {
        case "UTF8": return nil
        case "SQL_ASCII":
            return both + "it keeps text as UTF8's bytes, counts them for varchar(n), and gives other readers no "
                + "encoding to go by; " + remedy
        default: return both + "text with a character that \(encoding) lacks will stop the link; " + remedy
        }
    }
}
