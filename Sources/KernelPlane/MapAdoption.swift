internal import BPF
internal import CBPFShim

/// What is to be done about one map. Pure.
enum MapAdoption: Hashable, Sendable {
    /// Nothing is pinned, or nothing of what is there is needed.
    case make
    /// The pinned one serves the new programs as it is.
    case reuse
    /// It has another layout: a new one, with the content of the pinned one.
    case carry(key: LayoutConversion, value: LayoutConversion)

    var isCarried: Bool { if case .carry = self { true } else { false } }

    /// - Parameters:
    ///   - pinned: what the pinned map looks like; nil: none is pinned.
    ///   - sameVersion: the maps are of our own version.
    static func decide(
        _ map: PlaneMap, pinned: MapLayout?, needed: MapLayout, sameVersion: Bool
    ) throws(LayoutConversion.Impossible) -> MapAdoption {
        guard let pinned else { return .make }
        let fits = pinned == needed
        switch map.holding {
        case .stream: return fits && sameVersion ? .reuse : .make
        case .connections:
            if fits { return .reuse }
            throw Self.impossible("open connections hold what is in it, so it stays as it is until they have closed")
        case .content, .counts:
            // The settings say of which version they are, and the programs of one version look at no others.
            if fits, sameVersion || map != .settings { return .reuse }
            return try carry(pinned, needed)
        }
    }

    private static func carry(_ pinned: MapLayout, _ needed: MapLayout) throws(LayoutConversion.Impossible) -> MapAdoption {
        let (has, needs) = (pinned.shape, needed.shape)
        guard has.isArray == needs.isArray, has.isPerCPU == needs.isPerCPU, has.isIterable, needs.isIterable else {
            throw impossible("its kind is \(has.typeName), and \(needs.typeName) is needed")
        }
        guard has.maxEntries <= needs.maxEntries else {
            throw impossible("it has room for \(has.maxEntries) entries, and the new one for \(needs.maxEntries)")
        }
        let key = try LayoutConversion(from: pinned.key, to: needed.key, size: Int(needs.keySize))
        guard key.moves.count == pinned.key.count else { throw impossible("a part of its keys is gone") }
        return .carry(key: key, value: try LayoutConversion(from: pinned.value, to: needed.value, size: Int(needs.valueSize)))
    }

    private static func impossible(_ reason: String) -> LayoutConversion.Impossible { .init(reason: reason) }
}

extension PlaneMap {
    /// What depends on a map when an agent of another version comes.
    enum Holding {
        /// Entries that say something whoever holds them.
        case content
        /// The same, but programs count up and down in it, and nothing of that may get lost.
        case counts
        /// Storage of sockets, or what is on its way into it.
        case connections
        /// Passes through.
        case stream
    }

    var holding: Holding {
        switch self {
        case .origins, .sockets, .meterFlows, .flowOrigins, .listeners: .connections
        case .events: .stream
        case .ruleCounters, .counters, .buckets, .modelState, .refusals, .endpointState, .meters: .counts
        case .settings, .rules4, .rules6, .workloads, .models, .access, .endpointSets: .content
        }
    }

    /// What mb_carry() knows it by; nil: nothing is counted in it.
    var carried: mb_carried? {
        switch self {
        case .counters: MB_CARRY_COUNTERS
        case .ruleCounters: MB_CARRY_RULE_COUNTERS
        case .buckets: MB_CARRY_BUCKETS
        case .modelState: MB_CARRY_MODEL_STATE
        case .endpointState: MB_CARRY_ENDPOINT_STATE
        case .refusals: MB_CARRY_REFUSALS
        case .meters: MB_CARRY_METERS
        case .origins, .sockets, .meterFlows, .flowOrigins, .listeners, .events, .settings, .rules4, .rules6, .workloads,
            .models, .access, .endpointSets:
            nil
        }
    }

    /// The parts of its values that are no counts, but points in time and the most there was: of two, the later or greater
    /// one counts.
    var rising: Set<String> {
        switch self {
        case .buckets: ["tat_ns"]
        case .endpointState: ["failed_ns"]
        case .meters: ["first_byte_max_ns"]
        default: []
        }
    }
}
