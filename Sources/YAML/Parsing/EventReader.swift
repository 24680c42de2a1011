import CLibYAML

/// libyaml's parser for one text in memory: the only place that calls C.
///
/// It owns the C parser, which keeps a pointer into the text for as long as `read` runs.
enum EventReader {
    /// One event with libyaml's marks (in characters).
    struct Event {
        /// What happened.
        enum Kind {
            /// A document begins.
            case documentStart
            /// The document ends.
            case documentEnd
            /// The text ends.
            case streamEnd
            /// `*name`.
            case alias(String)
            /// A scalar with its decoded text.
            case scalar(String, style: ScalarStyle)
            /// A sequence begins.
            case sequenceStart(isFlow: Bool)
            /// The sequence ends.
            case sequenceEnd
            /// A mapping begins.
            case mappingStart(isFlow: Bool)
            /// The mapping ends.
            case mappingEnd
        }

        /// What happened.
        let kind: Kind
        /// Characters before the event.
        let start: Int
        /// Characters before what follows it.
        let end: Int
        /// The name after `&`.
        var anchor: String?
        /// The tag, its handle resolved.
        var tag: String?
        /// A plain scalar that no tag makes a string.
        var isPlainImplicit = false
    }

    /// A fault as libyaml reports it.
    struct Failure {
        /// What is wrong, in libyaml's words.
        let problem: String
        /// Characters before the problem; nil for a fault of the byte stream.
        let problemMark: Int?
        /// Bytes before a fault of the byte stream.
        let byteOffset: Int
        /// The character or byte at fault; -1 where none is.
        let value: Int
        /// What was being read, in libyaml's words; empty where it says nothing.
        let context: String
        /// Characters before what was being read.
        let contextMark: Int
    }

    /// Calls `visit` for every event until it returns false; returns libyaml's fault where it found one.
    static func read(_ bytes: ArraySlice<UInt8>, _ visit: (Event) -> Bool) -> Failure? {
        let breaks = UnicodeBreaks(bytes)
        let text = breaks.map { ArraySlice($0.hide(in: bytes)) } ?? bytes
        return text.withUnsafeBufferPointer { buffer -> Failure? in
            var parser = yaml_parser_t()
            guard yaml_parser_initialize(&parser) != 0 else {
                return Failure(
                    problem: "out of memory", problemMark: 0, byteOffset: 0, value: 0, context: "", contextMark: 0)
            }
            defer { yaml_parser_delete(&parser) }
            yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
            yaml_parser_set_input_string(&parser, buffer.baseAddress, buffer.count)
            while true {
                var event = yaml_event_t()
                guard yaml_parser_parse(&parser, &event) != 0 else { return failure(parser) }
                defer { yaml_event_delete(&event) }
                let isLast = event.type == YAML_STREAM_END_EVENT
                if let translated = translate(event, breaks), !visit(translated) { return nil }
                if isLast { return nil }
            }
        }
    }

    private static func translate(_ event: yaml_event_t, _ breaks: UnicodeBreaks?) -> Event? {
        func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
            guard let pointer else { return nil }
            return string(UnsafeBufferPointer(start: pointer, count: strlen(pointer)))
        }
        func string(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
            breaks?.restore(bytes) ?? String(decoding: bytes, as: UTF8.self)
        }
        func make(_ kind: Event.Kind) -> Event {
            Event(kind: kind, start: Int(event.start_mark.index), end: Int(event.end_mark.index))
        }
        switch event.type {
        case YAML_STREAM_END_EVENT: return make(.streamEnd)
        case YAML_DOCUMENT_START_EVENT: return make(.documentStart)
        case YAML_DOCUMENT_END_EVENT: return make(.documentEnd)
        case YAML_ALIAS_EVENT: return make(.alias(text(event.data.alias.anchor) ?? ""))
        case YAML_SEQUENCE_START_EVENT:
            let data = event.data.sequence_start
            var result = make(.sequenceStart(isFlow: data.style == YAML_FLOW_SEQUENCE_STYLE))
            result.anchor = text(data.anchor)
            result.tag = text(data.tag)
            return result
        case YAML_SEQUENCE_END_EVENT: return make(.sequenceEnd)
        case YAML_MAPPING_START_EVENT:
            let data = event.data.mapping_start
            var result = make(.mappingStart(isFlow: data.style == YAML_FLOW_MAPPING_STYLE))
            result.anchor = text(data.anchor)
            result.tag = text(data.tag)
            return result
        case YAML_MAPPING_END_EVENT: return make(.mappingEnd)
        case YAML_SCALAR_EVENT:
            let data = event.data.scalar
            let style: ScalarStyle =
                switch data.style {
                case YAML_PLAIN_SCALAR_STYLE: .plain
                case YAML_LITERAL_SCALAR_STYLE, YAML_FOLDED_SCALAR_STYLE: .block
                default: .quoted
                }
            let value = string(UnsafeBufferPointer(start: data.value, count: Int(data.length)))
            var result = make(.scalar(value, style: style))
            result.anchor = text(data.anchor)
            result.tag = text(data.tag)
            result.isPlainImplicit = data.plain_implicit != 0 && style == .plain
            return result
        default: return nil
        }
    }

    private static func failure(_ parser: yaml_parser_t) -> Failure {
        let isReader = parser.error == YAML_READER_ERROR
        return Failure(
            problem: parser.problem.map { String(cString: $0) } ?? "out of memory",
            problemMark: isReader ? nil : Int(parser.problem_mark.index),
            byteOffset: Int(parser.problem_offset), value: Int(parser.problem_value),
            context: parser.context.map { String(cString: $0) } ?? "",
            contextMark: Int(parser.context_mark.index))
    }
}
