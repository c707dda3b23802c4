import Yams

/// Turns YAML text into a `YAMLValue`: the only place that knows the YAML library.
///
/// Of YAML it takes what a configuration needs, scalars, lists and mappings in either style. Anchors, aliases, tags,
/// keys that are not plain text and second documents are faults.
struct YAMLComposer {
    private let log: FaultLog
    /// Keys may have been marked by `DuplicateKeys`.
    private let marked: Bool

    /// nil: nothing in the file, or nothing that can be read; `log` then has the reason.
    static func compose(_ text: String, _ log: FaultLog) -> YAMLValue? {
        let canMark = text.utf8.count <= Limits.duplicateBytes && !text.unicodeScalars.contains(DuplicateKeys.mark)
        var marked = text
        for round in 1...Limits.duplicateRounds {
            do {
                return try parse(marked, YAMLComposer(log: log, marked: round > 1))
            } catch YamlError.duplicatedKeysInMapping(let names, let context) {
                let mark = context.mark
                let next = DuplicateKeys.marking(marked, line: mark.line, column: mark.column, count: round)
                guard let next, canMark, round < Limits.duplicateRounds else {
                    report(duplicates: names.map(DuplicateKeys.unmarked), line: mark.line, log)
                    return nil
                }
                marked = next
            } catch {
                log.add(YAMLErrorText.fault(for: error))
                return nil
            }
        }
        return nil
    }

    private static func parse(_ text: String, _ composer: YAMLComposer) throws -> YAMLValue? {
        let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
        // Nodes hold their anchors weakly: they are gone once the parser is.
        return try withExtendedLifetime(parser) {
            try parser.singleRoot().map { composer.value(of: $0, depth: 0, key: "") }
        }
    }

    private static func report(duplicates names: [String], line: Int, _ log: FaultLog) {
        for name in names {
            log.add(line: line, key: "", "the key \(quoted(name)) is given more than once in one mapping")
        }
    }

    private func value(of node: Node, depth: Int, key: String) -> YAMLValue {
        let line = node.mark?.line ?? 1
        guard isPlain(node, line: line, key: key) else { return YAMLValue(line: line, content: .null) }
        guard depth < Limits.depth else {
            log.add(line: line, key: key, "is nested deeper than \(Limits.depth) levels")
            return YAMLValue(line: line, content: .null)
        }
        switch node {
        case .scalar(let scalar): return YAMLValue(line: line, content: content(of: scalar))
        case .sequence(let sequence):
            let values = sequence.enumerated().map { value(of: $1, depth: depth + 1, key: "\(key)[\($0)]") }
            return YAMLValue(line: line, content: .list(values))
        case .mapping(let mapping):
            return YAMLValue(line: line, content: .mapping(entries(of: mapping, depth: depth, key: key)))
        case .alias: return YAMLValue(line: line, content: .null)
        }
    }

    private func content(of scalar: Node.Scalar) -> YAMLValue.Content {
        let isNull = scalar.style == .plain && ["", "~", "null"].contains(scalar.string)
        return isNull ? .null : .scalar(scalar.string)
    }

    private func entries(of mapping: Node.Mapping, depth: Int, key parent: String) -> [YAMLEntry] {
        var lines: [String: Int] = [:]
        var entries: [YAMLEntry] = []
        for (keyNode, valueNode) in mapping {
            let line = keyNode.mark?.line ?? 1
            guard case .scalar(let scalar) = keyNode else {
                log.add(line: line, key: parent, "a key must be plain text, not a list or mapping")
                continue
            }
            guard isPlain(keyNode, line: line, key: parent) else { continue }
            let name = marked ? DuplicateKeys.unmarked(scalar.string) : scalar.string
            let path = KeyPath.member(name, of: parent)
            if let first = lines.updateValue(line, forKey: name) {
                log.add(line: line, key: path, "is given twice; the first is on line \(first)")
                lines[name] = first
                continue
            }
            entries.append(YAMLEntry(key: name, line: line, value: value(of: valueNode, depth: depth + 1, key: path)))
        }
        return entries
    }

    /// Without anchor and tag. A value that has either is not looked into: an alias would lead into it again and again.
    private func isPlain(_ node: Node, line: Int, key: String) -> Bool {
        if node.anchor != nil {
            log.add(line: line, key: key, "YAML anchors and aliases (&name, *name) are not supported; write every value out")
            return false
        }
        let tag = unresolvedTag(of: node)
        guard Self.plainTags.contains(tag.rawValue) else {
            log.add(line: line, key: key, "the YAML tag \(quoted(tag.rawValue)) is not supported; leave it out")
            return false
        }
        return true
    }

    /// `Node.tag` would have the library guess a type.
    private func unresolvedTag(of node: Node) -> Tag {
        switch node {
        case .scalar(let scalar): scalar.tag
        case .sequence(let sequence): sequence.tag
        case .mapping(let mapping): mapping.tag
        case .alias(let alias): alias.tag
        }
    }

    private static let plainTags: Set<String> = [
        "", "!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map",
    ]
}
