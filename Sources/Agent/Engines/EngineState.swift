/// Where the server of one endpoint on demand stands, in nanoseconds of any steady clock.
enum EngineState: Hashable, Sendable {
    /// Why a server that could go on shall end.
    enum Cause: Hashable, Sendable {
        /// Nobody has asked it anything for long enough.
        case idle
        /// Another one of its set is wanted.
        case swap
        /// Somebody wants it so.
        case hand
        /// The configuration has it no more.
        case gone
        /// The configuration starts it otherwise now.
        case changed

        var text: String {
            switch self {
            case .idle: "idle"
            case .swap: "another one of its set is wanted"
            case .hand: "by hand"
            case .gone: "no longer configured"
            case .changed: "its configuration has changed"
            }
        }
    }

    case asleep
    /// Wanted; another one of its set has to end first.
    case waiting(since: UInt64)
    case starting(since: UInt64)
    case ready(since: UInt64)
    /// It gets no new requests, and ends when those under way have. `idle`: readings in a row that found none.
    case draining(since: UInt64, cause: Cause, idle: Int)
    /// Told to end; what is left is killed at `until`. `failure`: it did not get ready, and is left alone until then.
    case ending(until: UInt64, failure: UInt64?)
    /// It crashed, and is started again then.
    case resting(until: UInt64)
    /// It did not start, or crashed again and again; it is left alone until then.
    case failed(until: UInt64)

    /// No other one of its set may start.
    var holdsSet: Bool {
        switch self {
        case .starting, .ready, .draining, .ending: true
        case .asleep, .waiting, .resting, .failed: false
        }
    }

    /// Its process runs, or may.
    var runs: Bool { holdsSet }
}

/// What the machine needs to know of an activation; times are nanoseconds.
struct EngineTerms: Hashable, Sendable {
    var readyTimeout: UInt64
    /// nil: it runs on for ever.
    var idleAfter: UInt64?
    var stopTimeout: UInt64
    /// Of servers with the same one at most one runs.
    var set: String?
}

/// What is to be done, or said, of the server at a URL.
enum EngineAction: Hashable, Sendable {
    case start(String)
    /// Ask it to end.
    case stop(String)
    /// It had its time.
    case kill(String)
    case tell(String, EngineNews)
}

enum EngineNews: Hashable, Sendable {
    case starting
    case ready
    case stopping(EngineState.Cause)
    case stopped
    case failed(String)
    case crashed(String)
}
