/// A file's configuration with resources laid over it.
struct ResourceDraft {
    /// Stands for the lines of the first resource in faults; the others follow. No file has so many lines.
    static let firstLine = 1 << 32

    private var sections: [String: [YAMLEntry]] = [:]
    private var places: [String: [String: Int]] = [:]
    /// Who says what: the name of an entry, or of a member of one.
    private var claimed: [String: String] = [:]
    private let base: YAMLValue
    /// Those that cannot be laid over it, by their numbers.
    private(set) var refused: [Int: ResourceVerdict] = [:]
    /// How faults name the place of each.
    private(set) var keyPaths: [Int: String] = [:]

    /// - Parameters:
    ///   - base: the file; nil: it says nothing.
    ///   - resources: with their numbers, in the order in which they come.
    init(_ base: YAMLValue?, _ resources: [(number: Int, resource: Resource)]) {
        self.base = base ?? YAMLValue(line: 1, content: .mapping([]))
        for section in ["models", "pools", "clients"] { takeFile(section) }
        var additions: [(number: Int, resource: Resource, part: ResourcePart)] = []
        for (number, resource) in resources {
            do throws(Refusal) {
                let part = try ResourcePart(resource, line: Self.firstLine + number)
                keyPaths[number] = part.keyPath
                if part.isAddition { additions.append((number, resource, part)) } else { enter(part, resource, number) }
            } catch {
                refused[number] = .refused(.invalid, error.reason)
            }
        }
        for (number, resource, part) in additions { add(part, resource, number) }
    }

    /// The configuration as a whole.
    var root: YAMLValue {
        guard case .mapping(let entries) = base.content else { return base }
        var result = entries
        for (section, members) in sections.sorted(by: { $0.key < $1.key }) where !members.isEmpty {
            if let index = result.firstIndex(where: { $0.key == section }) {
                result[index].value.content = .mapping(members)
            } else {
                // What is wrong with a section as a whole is no one resource's fault.
                let value = YAMLValue(line: base.line, content: .mapping(members))
                result.append(YAMLEntry(key: section, line: base.line, value: value))
            }
        }
        return YAMLValue(line: base.line, content: .mapping(result))
    }

    private mutating func takeFile(_ section: String) {
        guard let field = member(section), case .mapping(let entries) = field.content else { return }
        sections[section] = entries
        places[section] = Dictionary(entries.enumerated().map { ($1.key, $0) }) { first, _ in first }
        for entry in entries { claimed[Self.claim(section, entry.key)] = "the configuration file" }
    }

    private func member(_ key: String) -> YAMLValue? {
        guard case .mapping(let entries) = base.content else { return nil }
        return entries.first { $0.key == key }?.value
    }

    /// Nobody has to be known where the file has no clients at all, and no resource changes that.
    private var isGoverned: Bool {
        guard let clients = member("clients") else { return false }
        if case .null = clients.content { return false }
        return true
    }

    private mutating func enter(_ part: ResourcePart, _ resource: Resource, _ number: Int) {
        if part.section == "clients", !isGoverned {
            refused[number] = .refused(.open, "the configuration file has no clients, so that nobody has to be one")
            return
        }
        let claim = Self.claim(part.section, part.name)
        if let first = claimed[claim] {
            let message = "\(quoted(part.name)) is the name of something in \(first) already, which comes first"
            refused[number] = .refused(.conflict, message)
            return
        }
        claimed[claim] = "\(resource.key)"
        let line = Self.firstLine + number
        places[part.section, default: [:]][part.name] = sections[part.section]?.count ?? 0
        sections[part.section, default: []].append(
            YAMLEntry(
                key: part.name, line: line, value: YAMLValue(line: line, content: .mapping(part.members), isForeign: true)))
    }

    private mutating func add(_ part: ResourcePart, _ resource: Resource, _ number: Int) {
        guard let place = places[part.section]?[part.name], let entry = sections[part.section]?[place] else {
            let kind = part.section == "models" ? "model" : "client"
            refused[number] = .refused(.missing, "there is no \(kind) \(quoted(part.name))")
            return
        }
        var members: [YAMLEntry] = []
        switch entry.value.content {
        case .mapping(let given): members = given
        case .null: break
        case .scalar, .list: return
        }
        for new in part.members where members.contains(where: { $0.key == new.key }) {
            let path = KeyPath.member(new.key, of: part.keyPath)
            let owner = claimed[path] ?? claimed[Self.claim(part.section, part.name)] ?? "another resource"
            refused[number] = .refused(.conflict, "\(path) is given in \(owner) already, which comes first")
            return
        }
        for new in part.members { claimed[KeyPath.member(new.key, of: part.keyPath)] = "\(resource.key)" }
        sections[part.section]?[place].value.content = .mapping(members + part.members)
    }

    /// A request could mean a model or a pool by the same name.
    private static func claim(_ section: String, _ name: String) -> String {
        section == "clients" ? "client \(name)" : "callable \(name)"
    }
}
