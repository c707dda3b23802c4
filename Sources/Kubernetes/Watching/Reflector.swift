/// Follows a resource of the API server: a list in pages, then a watch from its version on, and a new list when the server
/// does not know that version any more. What was last known stays until something newer is known.
///
/// Pure: the caller does the asking, one request at a time, and tells what comes of it. Times are nanoseconds of any steady
/// clock.
package struct Reflector<Object: KubernetesObject>: Sendable {
    enum Phase: Sendable {
        case idle(next: UInt64)
        /// The answer to a list; `status` nil: its head has not come.
        case listing(status: Int?, body: [UInt8])
        /// A watch whose head has not come, or that was refused.
        case asking(status: Int?, body: [UInt8])
        case watching(WatchStream<Object>, since: UInt64, events: Int)
    }

    /// Stands for whatever the server has at hand.
    private static var anyVersion: String { "0" }

    let settings: ReflectorSettings
    package internal(set) var store: ResourceStore<Object>
    package internal(set) var condition = ReflectorCondition.starting
    /// Why objects that are there are not in the store as they are now.
    package internal(set) var unreadable: [ObjectKey: String] = [:]
    /// Lists that were completed, and watches that the server has accepted.
    package internal(set) var lists: UInt64 = 0
    package internal(set) var watches: UInt64 = 0

    var phase = Phase.idle(next: 0)
    /// When to call `expire`; nil: no request is under way.
    package internal(set) var deadline: UInt64?
    /// When the watch under way has taken too long.
    var watchEnd: UInt64 = 0
    /// Where to watch from; nil: a list is needed.
    var version: String?
    /// Of the newest that was ever seen, which a list must not be older than; nil: any will do, or nothing is sure.
    var newest: String? = Self.anyVersion
    /// Pages of the list so far.
    var gathered: [ObjectKey: Object] = [:]
    var gatheredUnreadable: [ObjectKey: String] = [:]
    var next: String?
    var pages = 0
    /// A list went on under a token that had expired: the next one comes in one piece.
    var isUnpaged = false
    /// Requests that failed, and streams that broke, one after the other; and versions that were gone.
    var failures = 0
    var breaks = 0
    var expirations = 0
    var random: Jitter

    /// - Parameters:
    ///   - known: from before; the reflector is `starting` all the same.
    ///   - seed: of the chance in waits.
    package init(_ settings: ReflectorSettings, known: ResourceStore<Object>? = nil, seed: UInt64) {
        self.settings = settings
        store = known ?? ResourceStore(maximumObjects: settings.maximumObjects)
        random = Jitter(seed: seed)
    }

    /// When to call `begin` next; nil: a request is under way.
    package var wake: UInt64? {
        if case .idle(let next) = phase { return next }
        return nil
    }

    /// What to ask now; nil: nothing. The caller says what comes of it: `head`, `body`, `end`, or `fail`.
    package mutating func begin(now: UInt64) -> ReflectorRequest? {
        guard case .idle(let time) = phase, time <= now else { return nil }
        deadline = now + settings.patience
        guard let version else {
            phase = .listing(status: nil, body: [])
            // Of a version together with a limit the server lists exactly that version, as old as it is, and not what is newer.
            let isBound = newest != nil && newest != Self.anyVersion && next == nil
            let limit = isUnpaged || isBound ? nil : settings.pageSize
            return ReflectorRequest(
                target: settings.query.list(version: newest, limit: limit, continuing: next), isWatch: false)
        }
        phase = .asking(status: nil, body: [])
        let seconds = max(1, settings.watchSeconds)
        let some = seconds - seconds / 5 + Int(random.next(below: UInt64(seconds / 5 * 2 + 1)))
        return ReflectorRequest(target: settings.query.watch(from: version, seconds: some), isWatch: true)
    }

    /// The answer's head is there.
    package mutating func head(status: Int, now: UInt64) {
        switch phase {
        case .listing: phase = .listing(status: status, body: [])
        case .asking where status == 200:
            phase = .watching(WatchStream(maximumLine: settings.maximumEvent), since: now, events: 0)
            watchEnd = now + UInt64(settings.watchSeconds) * 1_200_000_000 + settings.patience
            deadline = watchEnd
            watches += 1
            failures = 0
            if breaks < Self.patienceForBreaks { condition = .synced } else { deadline = now + Self.probation }
        case .asking: phase = .asking(status: status, body: [])
        case .idle, .watching: break
        }
    }

    /// A piece of the answer's body. False: nothing more is wanted of this answer, and the request is over.
    package mutating func body(_ bytes: ArraySlice<UInt8>, now: UInt64) -> Bool {
        switch phase {
        case .idle: return false
        case .listing(let status, var body):
            // Out of the phase while it grows, or it would be copied with each piece.
            phase = .listing(status: status, body: [])
            body.append(contentsOf: bytes)
            let limit = status == 200 ? settings.maximumPage : settings.maximumRefusal
            guard body.count <= limit else {
                // From what it has at hand a server may send all at once; of the newest version it sends pages.
                newest = nil
                fail("a list of more than \(limit) bytes", now: now)
                return false
            }
            phase = .listing(status: status, body: body)
        case .asking(let status, let body):
            phase = .asking(status: status, body: body + bytes.prefix(max(0, settings.maximumRefusal - body.count)))
        case .watching(let stream, let since, let events): return watched(bytes, stream, since, events, now: now)
        }
        return true
    }

    /// The answer has come to its proper end.
    package mutating func end(now: UInt64) {
        switch phase {
        case .idle: break
        case .listing(200, let body): take(page: body, now: now)
        case .listing(let status, let body): refused(APIStatus(code: status ?? 0, body: body), now: now)
        case .asking(let status, let body): refused(APIStatus(code: status ?? 0, body: body), now: now)
        case .watching(let stream, let since, let events):
            if let fault = stream.end() { return broke(fault.description, now: now) }
            watchEnded(since, events, now: now)
        }
    }

    /// The request came to nothing.
    package mutating func fail(_ reason: String, now: UInt64) {
        switch phase {
        case .idle: break
        case .listing, .asking: failed(reason, now: now)
        case .watching: broke(reason, now: now)
        }
    }

    /// Called behind `deadline`. True: the request is over.
    @discardableResult
    package mutating func expire(now: UInt64) -> Bool {
        switch phase {
        case .idle: break
        case .listing, .asking: fail("no answer in \(settings.patience / 1_000_000_000) s", now: now)
        case .watching where now < watchEnd:
            stood()
            return false
        // The server has not ended it when it should have; perhaps there is no server any more.
        case .watching(_, let since, let events): watchEnded(since, events, now: now)
        }
        return true
    }
}
