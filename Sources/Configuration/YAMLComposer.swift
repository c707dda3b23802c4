/// Turns YAML text into a `YAMLValue`.
///
/// Of YAML it takes what a configuration needs, scalars, lists and mappings in either style. Anchors, aliases, tags,
/// keys that are not plain text and second documents are faults. Nothing is expanded, so no file is larger inside than
/// it is outside.
struct YAMLComposer: ~Copyable {
    private var reader: YAMLReader
    private let log: FaultLog

    /// nil: nothing in the file, or nothing that can be read; `log` then has the reason.
    static func compose(_ text: String, _ log: FaultLog) -> YAMLValue? {
        let found = FaultLog()
        do throws(YAMLError) {
            var composer = YAMLComposer(reader: try YAMLReader(text.utf8), log: found)
            let root = try composer.document()
            log.add(found)
            return root
        } catch {
            // What was found in a text that is not YAML may follow from that alone.
            log.add(error.fault)
            return nil
        }
    }

    private init(reader: consuming YAMLReader, log: FaultLog) {
        self.reader = reader
        self.log = log
    }

    private mutating func document() throws(YAMLError) -> YAMLValue? {
        _ = try reader.next()  // the stream begins
        guard case .documentStart = try reader.next().content else { return nil }
        let root = try value(from: try reader.next(), depth: 0, key: "")
        _ = try reader.next()  // the document ends
        let next = try reader.next()
        guard case .streamEnd = next.content else {
            throw YAMLError(
                line: next.line, "a second YAML document (---) is not allowed; a configuration is one document")
        }
        return root
    }

    /// The value that begins with `event`; what is not to be read is gone past.
    private mutating func value(from event: YAMLEvent, depth: Int, key: String) throws(YAMLError) -> YAMLValue {
        guard isPlain(event, key: key) else { return try nothing(insteadOf: event) }
        guard depth < Limits.depth else {
            log.add(line: event.line, key: key, "is nested deeper than \(Limits.depth) levels")
            return try nothing(insteadOf: event)
        }
        switch event.content {
        case .scalar(let text, let isPlain):
            let isNull = isPlain && ["", "~", "null"].contains(text)
            return YAMLValue(line: event.line, content: isNull ? .null : .scalar(text))
        case .list: return YAMLValue(line: event.line, content: .list(try list(depth: depth, key: key)))
        case .mapping: return YAMLValue(line: event.line, content: .mapping(try mapping(depth: depth, key: key)))
        default: return YAMLValue(line: event.line, content: .null)
        }
    }

    private mutating func list(depth: Int, key: String) throws(YAMLError) -> [YAMLValue] {
        var values: [YAMLValue] = []
        while let event = try nextInside() {
            values.append(try value(from: event, depth: depth + 1, key: "\(key)[\(values.count)]"))
        }
        return values
    }

    private mutating func mapping(depth: Int, key parent: String) throws(YAMLError) -> [YAMLEntry] {
        var lines: [String: Int] = [:]
        var entries: [YAMLEntry] = []
        while let key = try nextInside() {
            guard let name = try name(key, of: parent) else {
                try skip(try reader.next())
                continue
            }
            let path = KeyPath.member(name, of: parent)
            if let first = lines[name] {
                log.add(line: key.line, key: path, "is given twice; the first is on line \(first)")
                try skip(try reader.next())
                continue
            }
            lines[name] = key.line
            let value = try value(from: try reader.next(), depth: depth + 1, key: path)
            entries.append(YAMLEntry(key: name, line: key.line, value: value))
        }
        return entries
    }

    /// The text of a key; nil, and the key gone past, if it is none that a configuration may have.
    private mutating func name(_ key: YAMLEvent, of parent: String) throws(YAMLError) -> String? {
        if case .scalar(let name, _) = key.content, isPlain(key, key: parent) { return name }
        switch key.content {
        case .scalar: break
        case .alias: _ = isPlain(key, key: parent)
        default: log.add(line: key.line, key: parent, "a key must be plain text, not a list or mapping")
        }
        try skip(key)
        return nil
    }

    /// Neither alias nor with anchor or tag.
    private func isPlain(_ event: YAMLEvent, key: String) -> Bool {
        var isAlias = false
        if case .alias = event.content { isAlias = true }
        if isAlias || event.hasAnchor {
            let message = "YAML anchors and aliases (&name, *name) are not supported; write every value out"
            log.add(line: event.line, key: key, message)
            return false
        }
        guard Self.plainTags.contains(event.tag) else {
            log.add(line: event.line, key: key, "the YAML tag \(quoted(event.tag)) is not supported; leave it out")
            return false
        }
        return true
    }

    private static let plainTags: Set<String> = [
        "", "!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map",
    ]

    // MARK: - Going on

    /// The next event inside a list or mapping; nil: it ends.
    private mutating func nextInside() throws(YAMLError) -> YAMLEvent? {
        let event = try reader.next()
        if case .end = event.content { return nil }
        return event
    }

    private mutating func nothing(insteadOf event: YAMLEvent) throws(YAMLError) -> YAMLValue {
        try skip(event)
        return YAMLValue(line: event.line, content: .null)
    }

    /// Goes past the value that begins with `event`, however deep it is nested, up to what the library can follow soon.
    private mutating func skip(_ event: YAMLEvent) throws(YAMLError) {
        var (depth, event) = (0, event)
        while true {
            switch event.content {
            case .list, .mapping: depth += 1
            case .end: depth -= 1
            default: break
            }
            if depth == 0 { return }
            guard depth < Limits.skippedDepth else {
                throw YAMLError(line: event.line, "is nested deeper than \(Limits.depth) levels")
            }
            event = try reader.next()
        }
    }
}
