import Admission
import Catalog
import Testing

struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension AdmissionTable {
    /// Of nobody, for a model whose QoS is all that there is.
    mutating func admit(_ model: Int, tokens: UInt64, prompt: UInt64, now: UInt64) -> Admission {
        admit(model, Demand(prompt: prompt, answer: tokens - prompt, now: now))
    }
}

extension Grant {
    func settle(used: UInt64, now: UInt64) {
        var grant = self
        grant.settle(TokenUse(input: used), answered: true, now: now, epoch: 0)
    }
}

extension Allowance {
    init(_ change: (inout Allowance) -> Void) {
        self.init()
        change(&self)
    }
}

/// A catalogue whose accounts all have slots, in memory of their own.
final class Governed {
    static let now: UInt64 = 1 << 50
    /// The 21st of November 2026, noon.
    static let epoch: Int64 = 1_795_262_400

    let catalog: Catalog
    let memory: AccountMemory
    let page: AccountPage
    let held: HeldCounts
    let sessions: SessionBook
    let slots: [UInt32]
    private(set) var table: AdmissionTable

    init(
        _ catalog: Catalog, entries: Int = 64, qos: QoSMemory? = nil, qosSlots: [UInt32] = [],
        held: HeldCounts? = nil
    ) throws {
        self.catalog = catalog
        memory = AccountMemory(count: catalog.accounts.count + 4)
        page = try #require(memory.page)
        slots = try #require(page.assign(catalog.accounts.map(\.text)))
        self.held = held ?? HeldCounts(count: 64)
        sessions = SessionBook(entries: entries, seed: 7)
        let allowances = try AllowanceTable(
            catalog, page: page, slots: slots, held: self.held, sessions: sessions)
        table = AdmissionTable(
            qos?.page, slots: qosSlots, models: catalog.models.map(\.name), allowances: allowances)
    }

    /// One client `c` and one model `m`.
    convenience init(
        client: Allowance = Allowance(), model: Allowance = Allowance(), pair: Allowance? = nil,
        session: SessionAllowance? = nil, address: Allowance? = nil, price: Price? = nil
    ) throws {
        let client = Client(
            name: "c", allowance: client, modelAllowances: pair.map { ["m": $0] } ?? [:],
            perSession: session,
            perAddress: address)
        try self.init(
            Catalog(
                models: [Model(name: "m", endpoints: [], allowance: model, price: price)], clients: [client]
            ))
    }

    func slot(_ subject: AccountKey.Subject, _ measure: AccountKey.Measure) throws -> UInt32 {
        slots[try #require(catalog.accounts.firstIndex(of: AccountKey(subject, measure)))]
    }

    func word(_ subject: AccountKey.Subject, _ period: Quota.Period, _ unit: Quota.Unit) throws
        -> QuotaWord
    {
        try #require(page.read(try slot(subject, .quota(period, unit)))).word
    }

    func admit(_ model: Int = 0, _ change: (inout Demand) -> Void = { _ in }) -> Admission {
        table.admit(model, Self.demand(change))
    }

    func grant(_ model: Int = 0, _ change: (inout Demand) -> Void = { _ in }) throws -> Grant {
        guard case .granted(let grant) = admit(model, change) else { throw Refused() }
        return grant
    }

    func denial(_ model: Int = 0, _ change: (inout Demand) -> Void = { _ in }) -> Denial? {
        guard case .denied(let denial) = admit(model, change) else { return nil }
        return denial
    }

    func levels(_ change: (inout Demand) -> Void = { _ in }) -> LimitLevels {
        table.levels(0, Self.demand(change))
    }

    func check(_ change: (inout Demand) -> Void) -> RequestFault? {
        table.check(0, Self.demand(change))
    }

    func countsTokens(client: Int = 0) -> Bool { table.countsTokens(client: client, model: 0) }

    func isGoverned(client: Int = 0) -> Bool { table.isGoverned(client: client, model: 0) }

    static func demand(_ change: (inout Demand) -> Void = { _ in }) -> Demand {
        var demand = Demand(client: 0, prompt: 10, answer: 20, session: 5, now: now, epoch: epoch)
        change(&demand)
        return demand
    }

    struct Refused: Error {}
}

extension Grant {
    /// Settles it now.
    mutating func settle(_ input: UInt64, _ output: UInt64, answered: Bool = true) {
        settle(
            TokenUse(input: input, output: output), answered: answered, now: Governed.now,
            epoch: Governed.epoch)
    }
}
