import Connectors

/// A list of tables as the platforms' bulk upload takes it: CSV without a header, in each row a schema or `schema.table`.
enum TableListFile {
    /// Throws a sentence that names the row.
    static func rows(_ text: String) throws(TableListFault) -> [TableSelection.ListedTable] {
        var rows: [TableSelection.ListedTable] = []
        let text = text.hasPrefix("\u{FEFF}") ? text.dropFirst() : text[...]
        for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let line = trimmed(line)
            if line.isEmpty { continue }
            guard let row = row(line) else {
                throw TableListFault(
                    message: "row \(number + 1) is not a schema or schema.table; a row has one of them and nothing else"
                )
            }
            rows.append(row)
        }
        return rows
    }

    private static func trimmed(_ line: Substring) -> Substring {
        var line = line.drop { $0 == " " || $0 == "\t" }
        while let last = line.last, last == " " || last == "\t" || last == "\r" { line = line.dropLast() }
        return line
    }

    private static func row(_ line: Substring) -> TableSelection.ListedTable? {
        guard line.first == "\"" else {
            return line.contains(",") || line.contains("\"") ? nil : split(String(line))
        }
        // One quoted field as CSV has it, or names quoted as SQL has them.
        guard let (first, rest) = quoted(line) else { return nil }
        if rest.isEmpty { return split(first) }
        guard rest.first == "." else { return nil }
        let name = rest.dropFirst()
        if name.first == "\"" {
            guard let (table, end) = quoted(name), end.isEmpty, !table.isEmpty else { return nil }
            return .init(schema: first, table: table)
        }
        return name.isEmpty || name.contains(",") ? nil : .init(schema: first, table: String(name))
    }

    private static func split(_ text: String) -> TableSelection.ListedTable? {
        guard let dot = text.firstIndex(of: ".") else { return .init(schema: text, table: nil) }
        let table = text[text.index(after: dot)...]
        return dot == text.startIndex || table.isEmpty ? nil : .init(schema: String(text[..<dot]), table: String(table))
    }

    /// The text between quotes, doubled ones undone, and what follows.
    private static func quoted(_ text: Substring) -> (String, Substring)? {
        var name = ""
        var rest = text.dropFirst()
        while let character = rest.popFirst() {
            if character != "\"" {
                name.append(character)
            } else if rest.first == "\"" {
                name.append("\"")
                rest = rest.dropFirst()
            } else {
                return name.isEmpty ? nil : (name, rest)
            }
        }
        return nil
    }
}

/// What is wrong with a list of tables.
struct TableListFault: Error {
    var message: String
}
