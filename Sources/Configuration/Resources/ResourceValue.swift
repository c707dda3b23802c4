/// A value of a resource's `spec`, as JSON has it; numbers are the text that a file would have.
package indirect enum ResourceValue: Hashable, Sendable {
    case null
    case scalar(String)
    case list([ResourceValue])
    case mapping([String: ResourceValue])
    /// What stands there is nested deeper than a configuration can be.
    case tooDeep
}

extension ResourceValue: Decodable {
    package init(from decoder: any Decoder) throws {
        guard decoder.codingPath.count <= Self.maximumDepth else {
            self = .tooDeep
            return
        }
        if let mapping = try? decoder.container(keyedBy: AnyKey.self) {
            var members: [String: ResourceValue] = [:]
            for key in mapping.allKeys { members[key.stringValue] = try mapping.decode(ResourceValue.self, forKey: key) }
            self = .mapping(members)
        } else if var list = try? decoder.unkeyedContainer() {
            var elements: [ResourceValue] = []
            while !list.isAtEnd { elements.append(try list.decode(ResourceValue.self)) }
            self = .list(elements)
        } else {
            self = try Self.single(try decoder.singleValueContainer())
        }
    }

    private static func single(_ container: any SingleValueDecodingContainer) throws -> ResourceValue {
        if container.decodeNil() { return .null }
        if let text = try? container.decode(String.self) { return .scalar(text) }
        if let truth = try? container.decode(Bool.self) { return .scalar(truth ? "true" : "false") }
        if let number = try? container.decode(Int64.self) { return .scalar("\(number)") }
        return .scalar("\(try container.decode(Double.self))")
    }

    /// Of everything around a `spec`, in a list of resources, too.
    private static let maximumDepth = 32

    private struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}

extension ResourceValue: Encodable {
    package func encode(to encoder: any Encoder) throws {
        switch self {
        case .null, .tooDeep:
            var container = encoder.singleValueContainer()
            try container.encodeNil()
        case .scalar(let text):
            var container = encoder.singleValueContainer()
            try container.encode(text)
        case .list(let elements):
            var container = encoder.unkeyedContainer()
            for element in elements { try container.encode(element) }
        case .mapping(let members):
            var container = encoder.container(keyedBy: AnyKey.self)
            for (key, value) in members { try container.encode(value, forKey: AnyKey(stringValue: key)) }
        }
    }
}

extension ResourceValue {
    /// What it takes of memory, about; nil: it is nested deeper than `depth` levels.
    func weight(depth: Int) -> Int? {
        guard depth > 0 else { return nil }
        switch self {
        case .null: return 8
        case .scalar(let text): return 8 + text.utf8.count
        case .list(let elements):
            var sum = 8
            for element in elements {
                guard let weight = element.weight(depth: depth - 1) else { return nil }
                sum += weight
            }
            return sum
        case .mapping(let members):
            var sum = 8
            for (key, value) in members {
                guard let weight = value.weight(depth: depth - 1) else { return nil }
                sum += weight + key.utf8.count
            }
            return sum
        case .tooDeep: return nil
        }
    }

    /// As a piece of a file, keys in the order of the alphabet: the API server has no other.
    ///
    /// - Parameter line: what stands for the resource in faults.
    func yaml(line: Int) -> YAMLValue {
        switch self {
        case .null, .tooDeep: YAMLValue(line: line, content: .null, isForeign: true)
        case .scalar(let text): YAMLValue(line: line, content: .scalar(text), isForeign: true)
        case .list(let elements):
            YAMLValue(line: line, content: .list(elements.map { $0.yaml(line: line) }), isForeign: true)
        case .mapping(let members):
            YAMLValue(line: line, content: .mapping(Self.entries(members, line)), isForeign: true)
        }
    }

    private static func entries(_ members: [String: ResourceValue], _ line: Int) -> [YAMLEntry] {
        members.sorted { $0.key < $1.key }.map { YAMLEntry(key: $0.key, line: line, value: $0.value.yaml(line: line)) }
    }
}
