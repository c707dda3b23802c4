import CYAML

/// Goes through a YAML text event by event: the only place that knows the YAML library (libyaml). It expands nothing, and
/// holds no more than the text and the state of its parser.
struct YAMLReader: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let text: UnsafeMutableBufferPointer<UInt8>

    /// - Parameter utf8: the text, which is copied.
    init(_ utf8: String.UTF8View) throws(YAMLError) {
        parser = .allocate(capacity: 1)
        text = .allocate(capacity: utf8.count)
        _ = text.initialize(from: utf8)
        // Fills the whole structure in, also on failure.
        guard yaml_parser_initialize(parser) == 1 else { throw Self.outOfMemory }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, text.baseAddress, text.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        text.deallocate()
    }

    private static var outOfMemory: YAMLError { YAMLError(line: nil, "the file cannot be read as YAML: out of memory") }

    mutating func next() throws(YAMLError) -> YAMLEvent {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw failure }
        defer { yaml_event_delete(&event) }
        return Self.event(event)
    }

    private static func event(_ event: yaml_event_t) -> YAMLEvent {
        let line = event.start_mark.line + 1
        switch event.type {
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            return YAMLEvent(
                content: .scalar(text, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE), line: line,
                hasAnchor: scalar.anchor != nil, tag: tag(scalar.tag))
        case YAML_SEQUENCE_START_EVENT:
            let start = event.data.sequence_start
            return YAMLEvent(content: .list, line: line, hasAnchor: start.anchor != nil, tag: tag(start.tag))
        case YAML_MAPPING_START_EVENT:
            let start = event.data.mapping_start
            return YAMLEvent(content: .mapping, line: line, hasAnchor: start.anchor != nil, tag: tag(start.tag))
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return YAMLEvent(content: .end, line: line)
        case YAML_ALIAS_EVENT: return YAMLEvent(content: .alias, line: line)
        case YAML_DOCUMENT_START_EVENT: return YAMLEvent(content: .documentStart, line: line)
        case YAML_DOCUMENT_END_EVENT: return YAMLEvent(content: .documentEnd, line: line)
        case YAML_STREAM_START_EVENT: return YAMLEvent(content: .streamStart, line: line)
        // After the end there is nothing more but the end.
        default: return YAMLEvent(content: .streamEnd, line: line)
        }
    }

    private static func tag(_ text: UnsafeMutablePointer<yaml_char_t>?) -> String {
        text.map { String(cString: $0) } ?? ""
    }
}

// MARK: - What it objects to, in our words

extension YAMLReader {
    private var failure: YAMLError {
        switch parser.pointee.error {
        case YAML_SCANNER_ERROR, YAML_PARSER_ERROR: syntax
        case YAML_READER_ERROR:
            YAMLError(line: 1 + text.prefix(parser.pointee.problem_offset).count(where: Self.isFeed), "not YAML: \(problem)")
        case YAML_MEMORY_ERROR: Self.outOfMemory
        default: YAMLError(line: nil, "the file cannot be read as YAML")
        }
    }

    private var syntax: YAMLError {
        let mark = parser.pointee.problem_mark
        let line = mark.line + 1
        if isTab(atLine: line) { return YAMLError(line: line, "a tab cannot indent YAML; use spaces") }
        let said = "\(problem) (column \(mark.column + 1))"
        guard let context = parser.pointee.context else { return YAMLError(line: line, "not YAML: \(said)") }
        let started = parser.pointee.context_mark.line + 1
        let place = started == line ? "" : " that starts on line \(started)"
        return YAMLError(line: line, "not YAML: \(String(cString: context))\(place), \(said)")
    }

    private var problem: String { parser.pointee.problem.map { String(cString: $0) } ?? "it cannot be read" }

    private func isTab(atLine line: Int) -> Bool {
        let lines = text.split(maxSplits: line, omittingEmptySubsequences: false, whereSeparator: Self.isFeed)
        guard lines.indices.contains(line - 1) else { return false }
        let tab = UInt8(ascii: "\t")
        return lines[line - 1].prefix { $0 == UInt8(ascii: " ") || $0 == tab }.contains(tab)
    }

    private static func isFeed(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\n") }
}
