import Control
import Synchronization
import Telemetry

/// Gathers the parts of a report from the event loops and sends it when the last has come.
final class ReportCollector: Sendable {
    private struct State {
        var missing: Int
        var statistics = ProxyStatistics()
        var models: [String: ProxyStatistics.ModelEntry] = [:]
        var clients: [String: ProxyStatistics.ClientEntry] = [:]
        var flows: [FlowRecord] = []
        var routing = RoutingSums()
        /// The answer of the only loop that was asked.
        var answer: ProxyReport?
    }

    let query: ProxyQuery
    private let id: UInt32
    private let outbox: Outbox
    private let audit: AuditWriter
    /// Of proxies that this one has followed.
    private let former: ProxyTotals
    private let state: Mutex<State>

    init(
        id: UInt32, _ query: ProxyQuery, workers: Int, _ outbox: Outbox, _ audit: AuditWriter,
        former: ProxyTotals = ProxyTotals()
    ) {
        self.id = id
        self.former = former
        self.query = query
        self.outbox = outbox
        self.audit = audit
        state = Mutex(State(missing: workers))
    }

    func add(_ part: ProxyStatistics) {
        finish { state in
            state.statistics += part
            for entry in part.models {
                if state.models[entry.name] == nil {
                    state.models[entry.name] = entry
                } else {
                    state.models[entry.name]?.counters += entry.counters
                    if entry.inCatalog { state.models[entry.name]?.inCatalog = true }
                }
            }
            for entry in part.clients {
                if state.clients[entry.name] == nil {
                    state.clients[entry.name] = entry
                } else {
                    state.clients[entry.name]?.counters += entry.counters
                }
            }
        }
    }

    func add(_ part: [FlowRecord]) {
        finish { $0.flows += part }
    }

    func add(_ endpoints: [NumberedRecord], _ routes: [RouteRecord]) {
        finish { state in
            state.routing.add(endpoints)
            state.routing.add(routes)
        }
    }

    /// The whole answer of the one loop that was asked.
    func answer(_ report: ProxyReport) {
        finish { $0.answer = report }
    }

    private func finish(_ add: (inout State) -> Void) {
        let report: ProxyReport? = state.withLock { state -> ProxyReport? in
            add(&state)
            state.missing -= 1
            guard state.missing == 0 else { return nil }
            return self.report(state)
        }
        if let report { outbox.send(.report(id: id, report)) }
    }

    private func report(_ state: State) -> ProxyReport {
        if let answer = state.answer { return answer }
        switch query {
        case .statistics: return .statistics(statistics(state))
        case .routing:
            var (endpoints, routes) = (state.routing.endpointRecords, state.routing.routeRecords)
            endpoints.add(former.endpoints)
            routes.add(former.routes)
            return .routing(endpoints, routes)
        case .flows, .explain, .rotate, .queues: return .flows(state.flows.sorted { $0.id < $1.id })
        }
    }

    private func statistics(_ state: State) -> ProxyStatistics {
        var statistics = state.statistics
        statistics.models = Array(state.models.values)
        statistics.clients = Array(state.clients.values)
        statistics.add(former.statistics)
        statistics.models.sort { $0.name < $1.name }
        statistics.clients.sort { $0.name < $1.name }
        ProcessFacts.fill(&statistics)
        audit.fill(&statistics)
        statistics.spansDropped += outbox.spansDropped
        return statistics
    }
}

/// Sends a message once every event loop has done its part.
final class Acknowledgement: Sendable {
    private let missing: Mutex<Int>
    private let message: ProxyMessage
    private let outbox: Outbox

    init(workers: Int, of message: ProxyMessage, _ outbox: Outbox) {
        missing = Mutex(workers)
        self.message = message
        self.outbox = outbox
    }

    func done() {
        let isLast = missing.withLock { missing in
            missing -= 1
            return missing == 0
        }
        if isLast { outbox.send(message) }
    }
}

/// Counts event loops that have no connection left while the proxy stops.
final class DrainCounter: Sendable {
    private let left: Mutex<Int>
    private let outbox: Outbox

    init(workers: Int, _ outbox: Outbox) {
        left = Mutex(workers)
        self.outbox = outbox
    }

    var isDone: Bool { left.withLock { $0 <= 0 } }

    /// An event loop is empty; it says so once.
    func done() {
        left.withLock { $0 -= 1 }
        outbox.wakeUp()
    }
}
