import Diagnostics

/// Puts libyaml's faults into words for people who write catalogs.
struct SyntaxFault {
    /// The file at fault.
    let file: SourceFile
    /// The way from libyaml's marks to bytes.
    var offsets: CharacterOffsets

    /// The fault in plain words, with the place where the broken construct begins.
    mutating func diagnostic(_ failure: EventReader.Failure) -> Diagnostic {
        guard let mark = failure.problemMark else { return readerFault(failure) }
        let at = offsets.offset(mark)
        let byte = at < file.bytes.count ? file.bytes[at] : 0
        let wording = wording(failure, byte, isEnd: at >= file.bytes.count)
        var notes: [Diagnostic.Note] = []
        let context = offsets.offset(failure.contextMark)
        if let message = Self.contexts[failure.context], context < at {
            notes.append(.init(message, at: range(context)))
        }
        return .error(.yamlSyntax, wording.message, at: range(at), notes: notes, hint: wording.hint)
    }

    private func readerFault(_ failure: EventReader.Failure) -> Diagnostic {
        let at = min(offsets.base + failure.byteOffset, file.bytes.count)
        var message = failure.problem
        if failure.problem == "control characters are not allowed" {
            let hex = String(failure.value, radix: 16, uppercase: true)
            message =
                "the control character U+\(String(repeating: "0", count: max(0, 4 - hex.count)))\(hex) is not allowed"
        }
        return .error(.yamlSyntax, message, at: range(at))
    }

    private func range(_ offset: Int) -> SourceRange {
        var end = min(offset + 1, file.bytes.count)
        while end < file.bytes.count && file.bytes[end] & 0xC0 == 0x80 { end += 1 }
        if offset < file.bytes.count, file.bytes[offset] == 0x0A || file.bytes[offset] == 0x0D { end = offset }
        return file.range(offset, end)
    }

    private func wording(
        _ failure: EventReader.Failure, _ byte: UInt8, isEnd: Bool
    ) -> (message: String, hint: String?) {
        switch failure.problem {
        case "found character that cannot start any token":
            if byte == 0x09 {
                return ("a tab can't be used for indentation", "indent with spaces")
            }
            let sign = isEnd ? "" : " '\(Unicode.Scalar(byte))'"
            return ("a plain value can't start with\(sign)", "put the value in quotes")
        case "mapping values are not allowed in this context":
            return (
                "unexpected ':' here",
                "a value that holds ': ' needs quotes; a key must be indented like its neighbours"
            )
        case "did not find expected key":
            return (
                "expected a key here",
                "keys of one mapping start in the same column; a value with text after its quote needs quoting as a whole"
            )
        case "could not find expected ':'":
            return ("expected ':' after the key", "a key and its value are written as key: value, with a space")
        case "did not find expected '-' indicator":
            return ("expected '-' here", "items of one list start in the same column")
        case "block sequence entries are not allowed in this context":
            return ("a list can't start here", "start the list on a line of its own")
        case "mapping keys are not allowed in this context":
            return ("a key can't stand here", "start the mapping on a line of its own")
        case "did not find expected ',' or ']'": return ("expected ',' or ']' here", "close the list with ']'")
        case "did not find expected ',' or '}'":
            return ("expected ',' or '}' here", "close the mapping with '}', or quote text that holds braces")
        case "found unexpected end of stream":
            return ("the text ends inside a quoted value", "close the quote")
        case "found unexpected document indicator":
            return ("'---' or '...' stands inside a quoted value", "close the quote")
        case "found unknown escape character":
            return (
                "unknown escape in a double-quoted value", "write \\\\ for a backslash, or use single quotes"
            )
        case "did not find expected hexdecimal number":
            return ("this escape needs hexadecimal digits", nil)
        case "found invalid Unicode character escape code":
            return ("this escape is no Unicode character", nil)
        case "found a tab character where an indentation space is expected"
        where failure.context == "while scanning a block scalar":
            return (
                "a tab can't be the first thing in a text block",
                "if it is part of the text, say how deep the text is indented: |2"
            )
        case "found a tab character where an indentation space is expected",
            "found a tab character that violates indentation":
            return ("a tab can't be used for indentation", "indent with spaces")
        case "did not find expected node content":
            return ("expected a value here", nil)
        case "did not find expected <document start>":
            return ("unexpected text after the document's value", nil)
        case "did not find expected comment or line break":
            return ("unexpected text after '|' or '>'", "start the text on the next line")
        case "did not find expected whitespace or line break":
            return ("expected a space here", nil)
        case "found duplicate %YAML directive": return ("a second %YAML directive", nil)
        case "found incompatible YAML document": return ("this version of YAML is not supported", nil)
        case "found undefined tag handle": return ("this tag's handle is not declared", nil)
        case "did not find expected alphabetic or numeric character":
            return (
                "a name must follow '&' or '*'", "put the value in quotes if it is meant as text"
            )
        default: return (failure.problem, nil)
        }
    }

    private static let contexts: [String: String] = [
        "while parsing a block mapping": "the mapping begins",
        "while parsing a block collection": "the list begins",
        "while parsing a flow mapping": "the mapping begins",
        "while parsing a flow sequence": "the list begins",
        "while scanning a simple key": "the key begins",
        "while scanning a quoted scalar": "the quoted value begins",
        "while scanning a block scalar": "the text block begins",
        "while scanning a plain scalar": "the value begins",
        "while scanning an anchor": "the anchor begins",
        "while scanning an alias": "the alias begins",
        "while parsing a node": "the value begins",
        "while parsing a block node": "the value begins",
        "while parsing a flow node": "the value begins",
    ]
}
