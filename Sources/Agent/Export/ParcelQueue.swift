/// What waits for a server that the agent tells something by itself, in order and no more than there is room for: what is
/// oldest goes first, to the server or, where there is no room, to nowhere. Pure: time is nanoseconds of any steady clock.
struct ParcelQueue: Sendable {
    struct Terms: Hashable, Sendable {
        /// Bytes that may wait.
        var limit = 16 << 20
        /// What of one kind goes into one request, at most; 1: whatever is added is a request of its own.
        var batchItems: UInt64 = 1
        var batchBytes = 1 << 20
        /// For how long a request that is not full is kept open for more.
        var wait: UInt64 = 0
        /// Between two additions to one request.
        var separator: [UInt8] = []
    }

    struct Parcel: Hashable, Sendable {
        var body: [UInt8]
        /// Samples, points, spans or events.
        var items: UInt64
        fileprivate var opened: UInt64 = 0
    }

    enum Step: Hashable, Sendable {
        /// To be followed by `ended`.
        case send(Parcel)
        /// Nothing to do until then, or until something is added; nil: only then.
        case wait(until: UInt64?)
    }

    enum Outcome: Hashable, Sendable {
        case taken
        /// The server does not want it, and will not.
        case refused(String)
        /// Perhaps later: no sooner than after so many nanoseconds, if the server says so.
        case failed(String, after: UInt64?)
    }

    /// What became of everything so far, in items; requests that failed, each time they did.
    struct Tally: Hashable, Sendable {
        var sent: UInt64 = 0
        var refused: UInt64 = 0
        var dropped: UInt64 = 0
        var failures: UInt64 = 0
    }

    /// Nanoseconds after the first failure, doubling up to the longest.
    static let firstPause: UInt64 = 1_000_000_000
    static let longestPause: UInt64 = 30_000_000_000
    /// A server that asks for more than this is asked again all the same.
    static let longestAsked: UInt64 = 300_000_000_000

    var terms: Terms {
        didSet { makeRoom(for: 0) }
    }
    private var parcels: [Parcel] = []
    private(set) var bytes = 0
    private(set) var tally = Tally()
    /// Why the last request failed or was refused; nil: it was taken.
    private(set) var fault: String?
    /// The first one is under way; it was tried, and comes again.
    private var isSending = false
    private var failures: UInt64 = 0
    private var pausedUntil: UInt64 = 0

    init(_ terms: Terms = Terms()) { self.terms = terms }

    var isEmpty: Bool { parcels.isEmpty }

    /// Takes something in that is to be sent; what is too much is given up, oldest first.
    mutating func add(_ body: [UInt8], items: UInt64, now: UInt64) {
        guard body.count <= terms.limit else { return tally.dropped += items }
        makeRoom(for: body.count + terms.separator.count)
        guard bytes + body.count + terms.separator.count <= terms.limit || parcels.isEmpty else {
            return tally.dropped += items
        }
        if let last = parcels.last, isOpen(last), last.items + items <= terms.batchItems,
            last.body.count + body.count <= terms.batchBytes
        {
            let index = parcels.count - 1
            parcels[index].body += terms.separator
            parcels[index].body += body
            parcels[index].items += items
            bytes += terms.separator.count + body.count
        } else {
            parcels.append(Parcel(body: body, items: items, opened: now))
            bytes += body.count
        }
    }

    /// What is there is sent as it is: nobody has tried to yet.
    private func isOpen(_ last: Parcel) -> Bool { parcels.count > 1 || (!isSending && failures == 0) }

    private mutating func makeRoom(for count: Int) {
        let first = isSending ? 1 : 0
        while bytes + count > terms.limit, parcels.count > first {
            let gone = parcels.remove(at: first)
            bytes -= gone.body.count
            tally.dropped += gone.items
            if first == 0 { failures = 0 }
        }
    }

    /// - Parameter hurried: what waits is to be sent at once, and nothing is tried again.
    mutating func next(now: UInt64, hurried: Bool = false) -> Step {
        guard !isSending, let first = parcels.first else { return .wait(until: nil) }
        if pausedUntil > now, !hurried { return .wait(until: pausedUntil) }
        let isFull = parcels.count > 1 || failures > 0 || first.items >= terms.batchItems || first.body.count >= terms.batchBytes
        if !isFull, !hurried, first.opened + terms.wait > now { return .wait(until: first.opened + terms.wait) }
        isSending = true
        return .send(first)
    }

    /// What came of the one that was to be sent.
    mutating func ended(_ outcome: Outcome, now: UInt64) {
        guard isSending, let first = parcels.first else { return }
        isSending = false
        switch outcome {
        case .taken:
            tally.sent += first.items
            removeFirst()
            fault = nil
        case .refused(let reason):
            tally.refused += first.items
            removeFirst()
            fault = reason
        case .failed(let reason, let asked):
            tally.failures += 1
            fault = reason
            let pause = min(Self.longestPause, Self.firstPause << min(failures, 10))
            pausedUntil = now + max(pause, min(asked ?? 0, Self.longestAsked))
            failures += 1
            makeRoom(for: 0)
        }
    }

    private mutating func removeFirst() {
        bytes -= parcels.removeFirst().body.count
        failures = 0
        pausedUntil = 0
    }

    /// Nobody is there any more that it could be sent to.
    mutating func giveUp() {
        let first = isSending ? 1 : 0
        while parcels.count > first {
            let gone = parcels.removeLast()
            bytes -= gone.body.count
            tally.dropped += gone.items
        }
        failures = 0
        pausedUntil = 0
        fault = nil
    }
}
