internal import Control
private import Synchronization

/// What the connected proxy is told beside its configuration: how the endpoints stand, whether somebody watches its
/// decisions, where audit lines go, and whose the pods are. Always said in the order in which it came about, and all of it to a proxy that is new.
final class ProxyFeed: Sendable {
    private struct State {
        var connection: ProxyConnection?
        /// Those before, which may have something under way yet.
        var former: [ProxyConnection] = []
        var standings: [EndpointStanding] = []
        var watches = false
        var audit: AuditDescriptor?
        /// nil: the agent has not looked yet, and an agent before it may have said.
        var pods: [CgroupPod]?

        func tellAll(_ body: (ProxyConnection) -> Void) {
            if let connection { body(connection) }
            for connection in former where connection.isOpen { body(connection) }
        }
    }

    private let state = Mutex(State())

    /// The proxy has been sent a configuration: it is told everything, as that may concern endpoints that it did not have.
    func brief(_ connection: ProxyConnection) {
        state.withLock { state in
            // A watch that ended while it was away has ended for it, too.
            let isNew = state.connection !== connection
            state.former.removeAll { $0 === connection || !$0.isOpen }
            if isNew, let former = state.connection, former.isOpen { state.former.append(former) }
            state.connection = connection
            connection.send(.standings(state.standings))
            connection.send(audit: state.audit)
            guard isNew else { return }
            connection.send(.watchDecisions(state.watches))
            if let pods = state.pods { connection.send(.pods(pods)) }
        }
    }

    /// Replaces what was said of the endpoints before.
    func tell(_ standings: [EndpointStanding]) {
        state.withLock { state in
            guard state.standings != standings else { return }
            state.standings = standings
            state.tellAll { $0.send(.standings(standings)) }
        }
    }

    /// From now on lines go there; nil: nowhere.
    func audit(_ descriptor: AuditDescriptor?) {
        state.withLock { state in
            guard state.audit !== descriptor else { return }
            state.audit = descriptor
            state.tellAll { $0.send(audit: descriptor) }
        }
    }

    /// Replaces what was said of the pods before.
    func tell(pods: [CgroupPod]) {
        state.withLock { state in
            guard state.pods != pods else { return }
            state.pods = pods
            state.tellAll { $0.send(.pods(pods)) }
        }
    }

    func watchDecisions(_ watches: Bool) {
        state.withLock { state in
            guard state.watches != watches else { return }
            state.watches = watches
            state.tellAll { $0.send(.watchDecisions(watches)) }
        }
    }
}
