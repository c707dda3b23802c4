/// The limits of the catalogue's models, by the model's number; one event loop's view of the shared page. Entries are read
/// again when their version has moved on, so a change is in force with the next request.
package struct AdmissionTable: Sendable {
    private struct Row: Sendable {
        var slot: UInt32
        var name: String
        var entry: Entry
        /// Requests or tokens are limited.
        var isGoverned = false
    }

    /// A version that no entry has.
    private static let unread = UInt64.max

    private let page: QoSPage?
    private var rows: [Row]

    /// Limits nothing.
    package init() {
        page = nil
        rows = []
    }

    /// - Parameters:
    ///   - slots: one for each of `models`, or none at all; 0 for a model without an entry. One beyond the page's reach is
    ///     taken for 0.
    package init(_ page: QoSPage?, slots: [UInt32], models: [String]) {
        guard let page, slots.count == models.count else {
            self = AdmissionTable()
            return
        }
        self.page = page
        rows = zip(slots, models).map { slot, name in
            Row(slot: page.reaches(slot) ? slot : 0, name: name, entry: Entry(version: Self.unread))
        }
    }

    /// There are entries at all, so sockets are to be tagged with their model's.
    package var isPresent: Bool { page != nil }

    /// The slot of a model; 0: it has no entry.
    package func slot(_ model: Int) -> UInt32 { model < rows.count ? rows[model].slot : 0 }

    /// The slots that are no longer those of the same models in `next`: whoever has them there is another.
    package func slotsLost(in next: AdmissionTable) -> Set<UInt32> {
        let owners = Dictionary(next.rows.map { ($0.slot, $0.name) }) { first, _ in first }
        return Set(rows.filter { $0.slot != 0 && owners[$0.slot] != $0.name }.map(\.slot))
    }

    /// Whether requests or tokens of `model` are limited.
    package mutating func isGoverned(_ model: Int) -> Bool {
        guard refresh(model) else { return false }
        return rows[model].isGoverned
    }

    /// Whether the sockets of `model` share a bandwidth.
    package mutating func hasBandwidth(_ model: Int) -> Bool {
        guard refresh(model) else { return false }
        return rows[model].entry.hasBandwidth
    }

    /// Whether the sockets under `slot` share a bandwidth, whichever model it is.
    package func hasBandwidth(slot: UInt32) -> Bool {
        guard let page, page.reaches(slot) else { return false }
        return page.hasBandwidth(slot)
    }

    /// Counts the changes of all entries.
    package var changes: UInt64 { page?.version(0) ?? 0 }

    /// Brings the row up to date; false for a model without an entry.
    @inline(__always) private mutating func refresh(_ model: Int) -> Bool {
        guard model < rows.count, rows[model].slot != 0, let page else { return false }
        if page.version(rows[model].slot) != rows[model].entry.version { read(model, page) }
        return true
    }

    private mutating func read(_ model: Int, _ page: QoSPage) {
        let entry = page.entry(rows[model].slot, named: rows[model].name)
        rows[model].entry = entry
        rows[model].isGoverned = entry.requests != nil || entry.tokens != nil
    }

    /// Takes a request, and the tokens that it is expected to use, out of the model's buckets: both or none.
    ///
    /// - Parameters:
    ///   - tokens: the estimate; 0: it will use none.
    ///   - prompt: of that, what the prompt is expected to have.
    ///   - now: nanoseconds of CLOCK_MONOTONIC.
    package mutating func admit(_ model: Int, tokens: UInt64, prompt: UInt64, now: UInt64) -> Admission {
        guard refresh(model), rows[model].isGoverned, let page else { return .ungoverned }
        let (slot, entry) = (rows[model].slot, rows[model].entry)
        if let limit = entry.requests, let denial = page.take(1, .requests, limit, slot, entry, now) { return .denied(denial) }
        var grant = Grant(page: page, slot: slot, model: rows[model].name, reserved: tokens, prompt: prompt)
        if let limit = entry.tokens, tokens > 0 {
            if let denial = page.take(tokens, .tokens, limit, slot, entry, now, charged: &grant.isCharged) {
                if let requests = entry.requests { page.bucket(slot, .requests).correct(1, to: 0, requests, now: now) }
                return .denied(denial)
            }
            grant.limitsTokens = true
        }
        return .granted(grant)
    }

    /// What is left of the model's limits.
    package mutating func levels(_ model: Int, now: UInt64) -> LimitLevels {
        guard refresh(model), let page else { return LimitLevels() }
        return page.levels(rows[model].slot, rows[model].entry, now: now)
    }
}

/// What became of a request for a model.
package enum Admission: Sendable {
    /// The model has no limit.
    case ungoverned
    case granted(Grant)
    case denied(Denial)
}

extension QoSPage {
    /// Takes `count` units and counts that; what stands against it, if anything does.
    fileprivate func take(
        _ count: UInt64, _ kind: LimitKind, _ limit: Limit, _ slot: UInt32, _ entry: Entry, _ now: UInt64
    ) -> Denial? {
        var charged = false
        return take(count, kind, limit, slot, entry, now, charged: &charged)
    }

    /// `charged` becomes true unless the units were let pass uncharged, by an entry that only observes.
    fileprivate func take(
        _ count: UInt64, _ kind: LimitKind, _ limit: Limit, _ slot: UInt32, _ entry: Entry, _ now: UInt64, charged: inout Bool
    ) -> Denial? {
        let bucket = bucket(slot, kind)
        let outcome = bucket.take(count, limit, now: now)
        charged = outcome == .admitted
        bucket.note(outcome, count, isObserving: entry.isObserving)
        guard outcome != .admitted, !entry.isObserving else { return nil }
        return Denial(kind: kind, retry: bucket.wait(count, limit, now: now), limit: limit)
    }

    func levels(_ slot: UInt32, _ entry: Entry, now: UInt64) -> LimitLevels {
        var levels = LimitLevels()
        if let limit = entry.requests { levels.requests = bucket(slot, .requests).level(limit, now: now) }
        if let limit = entry.tokens { levels.tokens = bucket(slot, .tokens).level(limit, now: now) }
        return levels
    }
}
