/// One pass over a configuration: takes fields apart, resolves references and collects what is wrong.
final class Reading {
    let log: FaultLog
    private var references: References
    /// How the servers of the endpoints read so far are started.
    var activations = ActivationLedger()
    /// There is a cluster whose services can stand for endpoints.
    var hasCluster = false

    init(log: FaultLog, references: References) {
        self.log = log
        self.references = references
    }

    func fault(_ field: Field, _ message: String) {
        log.add(line: field.line, key: field.key, message)
    }

    private static let foreign = "a resource has nothing of the node's own: that stands in the configuration file"

    /// Says so of what only a file may have: programs, files and secrets of the node, and where its callers' credentials go.
    /// True if the field is a resource's.
    func refusesForeign(_ field: Field) -> Bool {
        guard field.value.isForeign else { return false }
        fault(field, "cannot be given here: \(Self.foreign)")
        return true
    }

    /// The members of a mapping by key; an absent or empty one has none. Unknown keys are faults.
    ///
    /// - Parameter hidingUnknown: what is no known key may be a secret, and is not repeated.
    func members(_ field: Field, _ keys: KnownKeys, hidingUnknown: Bool = false) -> [String: Field] {
        var members: [String: Field] = [:]
        for member in entries(field, form: "keys and values: \(keys.accepted.joined(separator: ", "))") {
            guard keys.accepted.contains(member.key) else {
                if hidingUnknown, NearMiss.nearest(to: member.key, among: keys.accepted) == nil {
                    let message =
                        "has a key of the mapping that is not known; accepted here: \(keys.accepted.joined(separator: ", "))"
                    log.add(line: member.line, key: field.key, message)
                    continue
                }
                log.add(line: member.line, key: KeyPath.member(member.key, of: field.key), keys.refusal(of: member.key))
                continue
            }
            members[member.key] = Field(key: KeyPath.member(member.key, of: field.key), line: member.line, value: member.value)
        }
        return members
    }

    /// The members of a mapping in the order of the file, whatever their keys.
    func entries(_ field: Field, form: String) -> [YAMLEntry] {
        switch field.value.content {
        case .null: return []
        case .mapping(let entries): return entries
        case .list: fault(field, "must be a mapping of \(form); it is a list")
        case .scalar: fault(field, "must be a mapping of \(form)")
        }
        return []
    }

    /// The elements of a list; absent or empty: none.
    func elements(_ field: Field?) -> [Field] {
        guard let field else { return [] }
        switch field.value.content {
        case .null: return []
        case .list(let values): return Self.numbered(values, in: field)
        case .scalar, .mapping:
            fault(field, "must be a list")
            return []
        }
    }

    /// The elements of a list, or a single value by itself.
    func oneOrMore(_ field: Field?) -> [Field] {
        guard let field else { return [] }
        switch field.value.content {
        case .null: return []
        case .list(let values): return Self.numbered(values, in: field)
        case .scalar, .mapping: return [field]
        }
    }

    private static func numbered(_ values: [YAMLValue], in field: Field) -> [Field] {
        values.enumerated().map { Field(key: "\(field.key)[\($0)]", line: $1.line, value: $1) }
    }

    /// What the environment has under a name; nil: nothing.
    func variable(_ name: String) -> String? { references.variable(name) }

    /// Reads a single value with its references resolved; nil after a fault.
    func value<Value>(_ field: Field, _ parse: (String) throws(Refusal) -> Value) -> Located<Value>? {
        guard case .scalar(let raw) = field.value.content else {
            fault(field, field.isNull ? "has no value" : "must be a single value, not a list or mapping")
            return nil
        }
        let shown = quoted(raw)
        guard !field.value.isForeign || !References.isIn(raw) else {
            fault(field, "\(shown) has a reference, and \(Self.foreign)")
            return nil
        }
        var correction: String?
        do throws(Refusal) {
            let text = References.isIn(raw) ? try references.resolve(raw) : raw
            do throws(Refusal) {
                guard !text.unicodeScalars.contains(where: \.isControl) else { throw Refusal("holds a control character") }
                return Located(value: try parse(text), field: field, shown: shown)
            } catch {
                // A correction repeats the value.
                correction = References.isIn(raw) ? nil : error.correction
                throw error
            }
        } catch {
            fault(field, "\(shown) \(error.reason)" + (correction.map { "; write \(printable($0, limit: 300))" } ?? ""))
            return nil
        }
    }

    /// Reads every value of a list or a single value; those that are faulty are left out.
    func values<Value>(_ field: Field?, _ parse: (String) throws(Refusal) -> Value) -> [Located<Value>] {
        oneOrMore(field).compactMap { value($0, parse) }
    }

    /// Sets `target` to what the field says, if it is there and right.
    func set<Value>(_ target: inout Value, _ field: Field?, _ parse: (String) throws(Refusal) -> Value) {
        guard let field, let located = value(field, parse) else { return }
        target = located.value
    }
}
