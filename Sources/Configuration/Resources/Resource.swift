/// A custom resource as the API server has it, as far as it matters here.
package struct Resource: Hashable, Sendable {
    package var key: ResourceKey
    /// RFC 3339 in UTC, so that it can be compared as text. Where two resources want the same, the older one has it.
    package var created: String
    package var generation: Int64
    package var spec: ResourceValue

    package init(_ key: ResourceKey, created: String = "", generation: Int64 = 1, spec: ResourceValue) {
        self.key = key
        self.created = created
        self.generation = generation
        self.spec = spec
    }

    /// What a resource makes, or adds to, by its name in the configuration.
    package enum Subject: Hashable, Sendable {
        case model(String)
        case pool(String)
        case client(String)
    }

    /// nil: it does not say, though it should.
    package var subject: Subject? {
        switch key.kind {
        case .model: .model(text("name") ?? key.name)
        case .pool: .pool(text("name") ?? key.name)
        case .qosClaim: text("model").map(Subject.model) ?? text("client").map(Subject.client)
        case .accessControl: .client(text("client") ?? key.name)
        }
    }

    /// The name that requests call what it makes by; nil: it makes no model and no pool.
    package var callableName: String? {
        switch (key.kind, subject) {
        case (.model, .model(let name)?), (.pool, .pool(let name)?): name
        default: nil
        }
    }

    private func text(_ member: String) -> String? {
        guard case .mapping(let members) = spec, case .scalar(let text)? = members[member] else { return nil }
        return text
    }

    /// Whether it comes before another: those that others refer to, then the older ones.
    func precedes(_ other: Resource) -> Bool {
        (key.kind.rank, created, key.name) < (other.key.kind.rank, other.created, other.key.name)
    }
}

/// What became of a resource.
package enum ResourceVerdict: Hashable, Sendable {
    /// Why one is left out, as a condition's `reason`.
    package enum Reason: String, Hashable, Sendable {
        /// Something in it is wrong.
        case invalid = "Invalid"
        /// The file, or an older resource, says the same thing already.
        case conflict = "Conflict"
        /// What it is about is not there.
        case missing = "NotFound"
        /// It is larger than a configuration can be, or one too many.
        case tooLarge = "TooLarge"
        /// The file says that nobody has to be known.
        case open = "NotGoverned"
    }

    case accepted
    /// With one sentence for each thing that is wrong.
    case refused(Reason, String)

    package var isAccepted: Bool { self == .accepted }
}
