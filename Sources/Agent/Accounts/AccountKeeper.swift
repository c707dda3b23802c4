internal import Admission
internal import Catalog
internal import Control
internal import Logging
internal import ServiceLifecycle
internal import Synchronization

/// Keeps the accounts: gives limits their slots, writes down what of the quotas is used, tells when one comes to its end.
/// Writing happens on a thread of its own, or on that of whoever sets quotas back; nothing else waits for the disk.
final class AccountKeeper: Service {
    struct Pace: Sendable {
        /// Milliseconds between two looks at the page.
        var look: Int32 = 250
        /// Nanoseconds between two times that what was written is made to last.
        var synchronize: UInt64 = 500_000_000
        /// Nanoseconds before what failed is tried again, and the most after which: what a quota governs waits for that.
        var retry: UInt64 = 1_000_000_000
        var longestRetry: UInt64 = 2_000_000_000
    }

    /// What is watched; held for moments only.
    struct Ledger {
        var slots: [String: UInt32] = [:]
        var quotas: [QuotaWatch] = []
        /// In force; nil: none were so far.
        var rates: [String: Rate]?
        var book = JournalState()
        /// Why what is used can't be written down; nil: it can.
        var fault: String?
    }

    /// The file; held while the disk is waited for. Taken before the ledger.
    struct Writing: ~Copyable {
        var journal: JournalFile
        var synchronized: UInt64 = 0
        var retry: UInt64 = 0
        var failures = 0
    }

    let file: AccountFile
    let hub: EventHub
    let logger: Logger
    let pace: Pace
    let clock: @Sendable () -> UInt64
    let ledger = Mutex(Ledger())
    let writing: Mutex<Writing>
    private let stopped = Atomic<Bool>(false)

    /// - Parameter clock: seconds since 1970.
    init(
        file: AccountFile, journal path: String, hub: EventHub, logger: Logger, pace: Pace = Pace(),
        clock: @escaping @Sendable () -> UInt64 = Clocks.epochSeconds
    ) {
        self.file = file
        self.hub = hub
        self.logger = logger
        self.pace = pace
        self.clock = clock
        writing = Mutex(Writing(journal: JournalFile(path: path)))
        recover(path)
    }

    /// Of the page, for the proxy.
    var descriptor: Int32 { file.descriptor }

    /// Why what is used can't be written down; nil: it can.
    var fault: String? { ledger.withLock { $0.fault } }

    var epoch: Int64 { Int64(clamping: clock()) }

    // MARK: - Slots

    /// Gives the limits of a catalogue their slots. Those of the catalogue before keep theirs, since it may come back.
    ///
    /// - Throws: when there are not enough; then nothing has changed.
    func adopt(_ catalog: Catalog) throws(AgentError) {
        let names = catalog.accounts.map(\.text)
        let slots = try file.assign(names)
        let page = file.page
        let rates = catalog.accountRates
        ledger.withLock { ledger in
            ledger.rates = ledger.rates ?? rates
            for (name, slot) in zip(names, slots) where ledger.slots[name] == nil {
                ledger.slots[name] = slot
                // It may have been there before, and may have been used.
                if let word = ledger.book.words[AccountPage.stored(name)] { page.restore(slot, word) }
            }
            let new = catalog.quotas(slots)
            let known = Set(new.map(\.name))
            ledger.quotas = new + ledger.quotas.filter { !known.contains($0.name) }
        }
    }

    /// The catalogue is in force: the slots that only others need are free.
    func settle(_ catalog: Catalog) {
        rescale(to: catalog.accountRates)
        let names = catalog.accounts.map(\.text)
        let wanted = Set(names)
        let hasChanged = ledger.withLock { ledger in
            let before = ledger.slots.count
            ledger.slots = ledger.slots.filter { wanted.contains($0.key) }
            let stored = Set(wanted.map { AccountPage.stored($0) })
            ledger.quotas = ledger.quotas.filter { stored.contains($0.name) }
            return ledger.slots.count != before
        }
        if hasChanged { file.keep(only: names) }
    }

    /// Rates that have changed: what is owed of a thousand a second must not be owed of one an hour.
    private func rescale(to rates: [String: Rate]) {
        let (former, slots) = ledger.withLock { ledger in
            defer { ledger.rates = rates }
            return (ledger.rates ?? [:], ledger.slots)
        }
        let (page, now) = (file.page, Clocks.monotonic())
        for (name, rate) in rates {
            guard let old = former[name], old != rate, let slot = slots[name] else { continue }
            page.rescale(slot, from: old, to: rate, now: now)
        }
    }

    /// The slots of a catalogue's accounts, in their order; 0: it has none.
    func slots(of catalog: Catalog) -> [UInt32] {
        let slots = ledger.withLock { $0.slots }
        return catalog.accounts.map { slots[$0.text] ?? 0 }
    }

    // MARK: - Writing

    func run() async throws {
        try BackgroundThread.start("journal") { self.work() }
        try? await gracefulShutdown()
        stopped.store(true, ordering: .relaxed)
        // What has been used until now is not lost with the agent.
        look(isLast: true)
    }

    private func work() {
        while !stopped.load(ordering: .relaxed) {
            look()
            Clocks.pause(milliseconds: pace.look)
        }
    }
}
