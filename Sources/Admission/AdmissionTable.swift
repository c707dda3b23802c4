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
    /// What clients, and models beside their QoS, may use.
    package let allowances: AllowanceTable

    /// Limits nothing.
    package init() { self.init(nil, slots: [], models: []) }

    /// - Parameters:
    ///   - slots: one for each of `models`, or none at all; 0 for a model without an entry. One beyond the page's reach is
    ///     taken for 0.
    package init(
        _ page: QoSPage?, slots: [UInt32], models: [String], allowances: AllowanceTable = AllowanceTable()
    ) {
        self.allowances = allowances
        guard let page, slots.count == models.count else {
            self.page = nil
            rows = []
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

    // MARK: - Requests

    /// Whether anything that requests are charged to applies to one of this client (-1: none) for `model`.
    package mutating func isGoverned(client: Int, model: Int) -> Bool {
        isGoverned(model) || allowances.isGoverned(client: client, model: model)
    }

    /// Whether it is worth knowing how many tokens such a request uses.
    package mutating func countsTokens(client: Int, model: Int) -> Bool {
        refresh(model) && rows[model].entry.tokens != nil || allowances.countsTokens(client: client, model: model)
    }

    /// Why a request can't pass as it is, whatever is left; to be asked before anything is charged.
    package func check(_ model: Int, _ demand: Demand) -> RequestFault? { allowances.check(model, demand) }

    /// Takes what a request is expected to use out of everything that governs it: the model's QoS, its allowance, the
    /// client's for this model and for all, the session's and the address's; all or nothing.
    package mutating func admit(_ model: Int, _ demand: Demand) -> Admission {
        let books = allowances.isGoverned(client: demand.client, model: model) ? allowances.storage : nil
        let hasQoS = isGoverned(model)
        guard hasQoS || books != nil else { return .ungoverned }
        var grant = Grant(demand)
        if hasQoS, let denial = charge(model, demand.now, &grant) { return .denied(denial) }
        if let books {
            grant.countsTokens = grant.countsTokens || allowances.countsTokens(client: demand.client, model: model)
            if let denial = grant.take(books, model, demand) { return .denied(denial) }
        }
        return .granted(grant)
    }

    /// The model's QoS: both of its limits or none.
    private func charge(_ model: Int, _ now: UInt64, _ grant: inout Grant) -> Denial? {
        guard let page else { return nil }
        let (slot, entry) = (rows[model].slot, rows[model].entry)
        var charge = QoSCharge(page: page, slot: slot, model: rows[model].name, reserved: grant.reserved)
        grant.countsTokens = entry.tokens != nil
        let denial = charge.take(entry, now: now)
        if denial == nil { grant.qos = charge } else { charge.takeBack(now: now) }
        return denial
    }

    /// What is left of the model's QoS.
    package mutating func levels(_ model: Int, now: UInt64) -> LimitLevels {
        guard refresh(model), let page else { return LimitLevels() }
        return page.levels(rows[model].slot, rows[model].entry, now: now)
    }

    /// What is left of everything that governs such a request, of each kind where least is left.
    package mutating func levels(_ model: Int, _ demand: Demand) -> LimitLevels {
        var levels = levels(model, now: demand.now)
        allowances.tighten(&levels, model, demand)
        return levels
    }
}

/// What became of a request for a model.
package enum Admission: Sendable {
    /// Nothing limits it.
    case ungoverned
    case granted(Grant)
    case denied(Denial)
}
