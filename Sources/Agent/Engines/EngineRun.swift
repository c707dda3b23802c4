internal import Catalog
internal import Control
private import Synchronization

/// One run of a server, from its start, or from when it was found, to its end.
struct EngineRun: Sendable {
    let id: UInt64
    /// As it was started: the configuration may have changed since.
    let activation: Activation
    /// nil: it is no process of the agent's.
    let process: EngineProcess?
}

struct EngineProcess: Sendable {
    let number: Int
    let pid: Int32
    let uid: UInt32
    let gid: UInt32
    let fingerprint: String
    let output: EngineOutput
}

/// What the runs of one server wrote, filled by a thread of its own.
final class EngineLogBook: Sendable {
    private let state: Mutex<(ring: LogRing, isNew: Bool)>

    init(_ ring: LogRing = LogRing()) { state = Mutex((ring, false)) }

    func append(_ bytes: ArraySlice<UInt8>) {
        state.withLock { state in
            state.ring.append(bytes)
            state.isNew = true
        }
    }

    /// A run is over: its last line is.
    func finish() { state.withLock { $0.ring.finish() } }

    func last(_ count: Int) -> (lines: [String], dropped: UInt64) { state.withLock { $0.ring.last(count) } }

    /// What is to be kept over a restart of the agent; nil: nothing has been written since it was asked for.
    func save() -> [UInt8]? {
        state.withLock { state in
            guard state.isNew else { return nil }
            state.isNew = false
            return state.ring.saved
        }
    }
}

/// What the proxies are told of an endpoint on demand.
struct EngineStanding: Hashable, Sendable {
    var phase: EnginePhase
    /// Milliseconds since 1970; 0: not known.
    var retryAt: UInt64 = 0
}
