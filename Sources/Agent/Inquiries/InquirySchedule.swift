/// When which errand is run. Pure: it does no I/O, and time is nanoseconds of any steady clock.
///
/// Errands that are new are spread over one period, and every wait has a tenth of jitter, so that neither a start nor a
/// standstill makes them all come at once.
struct InquirySchedule: Sendable {
    /// Errands under way at once. A thousand servers that say nothing, with a time-out of two seconds, are through in eight.
    static let maximumUnderWay = 256
    /// Of these, those that read bodies: their limits together bound the memory.
    static let maximumReading = 8
    /// Between two errands that are new, at most.
    private static let step: UInt64 = 10_000_000

    private struct Slot: Sendable {
        let errand: Errand
        var plan: InquiryPlan
        var next: UInt64
        /// Of the errand under way; nil: it is not.
        var deadline: UInt64?
        /// Since it was first run: which of the addresses is asked.
        var failures = 0
    }

    private var slots: [Slot] = []
    private var positions: [Errand: Int] = [:]
    private(set) var underWay = 0
    private var random: SplitMix

    init(seed: UInt64 = SystemRandomNumberGenerator.seed) { random = SplitMix(state: seed) }

    var count: Int { slots.count }

    /// From now on these are run, no others. Those that stay keep their turn, unless what they do has changed.
    mutating func watch(_ wanted: [(errand: Errand, plan: InquiryPlan)], now: UInt64) {
        var kept: [Slot] = []
        var taken: [Errand: Int] = [:]
        var fresh: UInt64 = 0
        for (errand, plan) in wanted where taken[errand] == nil && !plan.addresses.isEmpty {
            taken[errand] = kept.count
            if let position = positions[errand], slots[position].plan == plan {
                kept.append(slots[position])
            } else {
                let step = min(Self.step, plan.period / UInt64(wanted.count))
                kept.append(Slot(errand: errand, plan: plan, next: now + fresh * step))
                fresh += 1
            }
        }
        slots = kept
        positions = taken
        underWay = slots.count { $0.deadline != nil }
    }

    /// The errands to run now, no more than there is room for. Each counts as under way until it is `finished`.
    mutating func due(_ now: UInt64) -> [(errand: Errand, plan: InquiryPlan, address: Int)] {
        var due: [(errand: Errand, plan: InquiryPlan, address: Int)] = []
        let ready = slots.indices.filter { slots[$0].deadline == nil && slots[$0].next <= now }
        guard !ready.isEmpty else { return [] }
        var reading = slots.count { $0.deadline != nil && $0.plan.bodyLimit != nil }
        // Whoever has waited longest comes first, or those at the end would never have a turn.
        for position in ready.sorted(by: { slots[$0].next < slots[$1].next }) where underWay < Self.maximumUnderWay {
            let plan = slots[position].plan
            guard plan.bodyLimit == nil || reading < Self.maximumReading else { continue }
            if plan.bodyLimit != nil { reading += 1 }
            underWay += 1
            slots[position].deadline = now + plan.timeout
            slots[position].next = now + jittered(plan.period)
            due.append((slots[position].errand, plan, slots[position].failures % plan.addresses.count))
        }
        return due
    }

    /// The errands that have had no answer in time; each is still to be `finished`.
    func late(_ now: UInt64) -> [Errand] {
        guard underWay > 0 else { return [] }
        return slots.filter { $0.deadline.map { $0 <= now } ?? false }.map(\.errand)
    }

    /// An errand is over. False for one that nobody waits for any more.
    mutating func finished(_ errand: Errand, succeeded: Bool) -> Bool {
        guard let position = positions[errand], slots[position].deadline != nil else { return false }
        slots[position].deadline = nil
        if !succeeded { slots[position].failures &+= 1 }
        underWay -= 1
        return true
    }

    func isUnderWay(_ errand: Errand) -> Bool { positions[errand].map { slots[$0].deadline != nil } ?? false }

    func plan(of errand: Errand) -> InquiryPlan? { positions[errand].map { slots[$0].plan } }

    /// When something is due next; nil: nothing ever.
    var next: UInt64? { slots.lazy.map { $0.deadline ?? $0.next }.min() }

    private mutating func jittered(_ period: UInt64) -> UInt64 { period - period / 10 + random.next() % max(1, period / 5) }
}

/// Sebastiano Vigna's SplitMix64: small, fast, and the same for the same seed.
struct SplitMix: RandomNumberGenerator, Sendable {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension SystemRandomNumberGenerator {
    static var seed: UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }
}
