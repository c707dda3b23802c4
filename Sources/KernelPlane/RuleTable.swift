internal import CBPFShim
internal import Catalog

/// What a trie entry says.
struct RuleVerdict: Hashable, Sendable {
    var id: UInt32
    var path: CaptureRule.Path
    var whenDown: CaptureRule.WhenProxyDown
    /// Slot of the model that the destination is dedicated to; 0: none.
    var model: UInt32 = 0
}

/// The trie entries of a configuration, and what changes from one table to the next. Pure.
struct RuleTable: Equatable, Sendable {
    private(set) var entries: [Destination: RuleVerdict] = [:]

    init() {}

    init(entries: [Destination: RuleVerdict]) { self.entries = entries }

    /// A destination that two rules name belongs to the first.
    /// `slots`: of the models that have an entry; a rule whose model has none governs nothing.
    init(_ rules: [CaptureRule], slots: [String: UInt32] = [:]) throws(KernelPlaneError) {
        guard rules.count <= Int(MB_MAX_RULES) else {
            throw KernelPlaneError(
                operation: "apply", object: "\(rules.count) capture rules", hint: "\(MB_MAX_RULES) is the limit")
        }
        for (id, rule) in rules.enumerated() {
            let verdict = RuleVerdict(
                id: UInt32(id), path: rule.path, whenDown: rule.whenProxyDown, model: rule.model.flatMap { slots[$0] } ?? 0)
            for destination in rule.to.map(Self.canonical) where entries[destination] == nil {
                entries[destination] = verdict
            }
        }
        for family in [IPAddress.Family.v4, .v6] {
            let count = entries.keys.count { $0.network.address.family == family }
            guard count <= Int(MB_MAX_DESTINATIONS) else {
                throw KernelPlaneError(
                    operation: "apply", object: "\(count) destinations of one family", hint: "\(MB_MAX_DESTINATIONS) is the limit"
                )
            }
        }
    }

    /// The programs look v4-mapped addresses up as IPv4.
    static func canonical(_ destination: Destination) -> Destination {
        let network = destination.network
        guard
            network.address.family == .v6, network.prefixLength >= 96, network.address.high == 0,
            network.address.low >> 32 == 0xffff,
            let mapped = CIDR(
                address: IPAddress(family: .v4, high: network.address.low << 32, low: 0),
                prefixLength: network.prefixLength - 96)
        else { return destination }
        return Destination(network: mapped, port: destination.port)
    }

    /// Entries to write so that `old` becomes this.
    func changes(from old: RuleTable) -> [Destination: RuleVerdict] {
        entries.filter { old.entries[$0.key] != $0.value }
    }

    /// Entries to remove afterwards.
    func stale(in old: RuleTable) -> [Destination] {
        old.entries.keys.filter { entries[$0] == nil }
    }

    /// Ids that now stand for another rule, as nothing of what they matched is left to them: what was counted for them
    /// was counted for something else.
    func reusedIDs(from old: RuleTable) -> [UInt32] {
        let before = Dictionary(grouping: old.entries, by: \.value.id).mapValues { Set($0.map(\.key)) }
        let now = Dictionary(grouping: entries, by: \.value.id).mapValues { Set($0.map(\.key)) }
        return before.filter { $0.value.isDisjoint(with: now[$0.key] ?? []) }.keys.sorted()
    }
}
