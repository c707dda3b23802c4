internal import Catalog
internal import Control
internal import Logging
private import Synchronization

/// Asks servers whether they are ready, and how busy they are.
final class EngineInquiries: Sendable {
    private final class Ear: Sendable {
        let heard = Mutex<@Sendable (Errand, Inquiry.Outcome) -> Void>({ _, _ in })
    }

    private let ear: Ear
    private let inquirer: Inquirer

    init(logger: Logger) {
        let ear = Ear()
        self.ear = ear
        inquirer = Inquirer(logger: logger) { errand, outcome in ear.heard.withLock { $0 }(errand, outcome) }
    }

    /// - Parameter body: called on the inquirer's thread.
    func heard(_ body: @escaping @Sendable (Errand, Inquiry.Outcome) -> Void) { ear.heard.withLock { $0 = body } }

    /// From now on these are run, no others.
    func watch(_ errands: [(errand: Errand, plan: InquiryPlan)]) { inquirer.watch(errands) }

    func run() async throws { try await inquirer.run() }
}

extension EngineKeeper {
    /// While a server that is no process of ours is ready, in nanoseconds.
    private static let calmPeriod: UInt64 = 2_000_000_000

    /// What is to be asked now.
    func errands(_ state: State, _ now: UInt64) -> [(errand: Errand, plan: InquiryPlan)] {
        let readiness = state.specs.values.sorted { $0.url < $1.url }.compactMap { spec -> (errand: Errand, plan: InquiryPlan)? in
            guard let plan = spec.plan, let server = state.machine.servers[spec.url] else { return nil }
            let isOurs = state.runs[spec.url].map { $0.process != nil } ?? (spec.activation.method.program != nil)
            switch server.state {
            case .starting(let since): return (spec.errand, spec.plan(after: now - min(now, since)) ?? plan)
            case .ready where !isOurs:
                var calm = plan
                calm.period = Self.calmPeriod
                return (spec.errand, calm)
            case .ending where !isOurs: return (spec.errand, plan)
            case .asleep where state.unknown.contains(spec.url): return (spec.errand, plan)
            default: return nil
            }
        }
        return readiness + state.metrics
    }

    func heard(_ errand: Errand, _ outcome: Inquiry.Outcome) {
        if errand.purpose == .metrics { return heardMetrics(errand, outcome) }
        update { state, now in
            guard let spec = state.specs[errand.url], let server = state.machine.servers[errand.url] else { return [] }
            let isReady = spec.isReady(outcome)
            switch server.state {
            case .starting: return isReady ? state.machine.answered(spec.url, now: now) : []
            case .asleep: return find(spec, isReady, &state, now)
            case .ready: return missed(spec.url, isReady, &state, now)
            case .ending:
                guard case .failed = outcome, let run = state.runs[spec.url], run.process == nil else { return [] }
                state.runs[spec.url] = nil
                return state.machine.ended(spec.url, "it does not answer any more", now: now)
            default: return []
            }
        }
    }

    /// A server that was running before the agent.
    private func find(_ spec: EngineSpec, _ isReady: Bool, _ state: inout State, _ now: UInt64) -> [EngineAction] {
        guard state.unknown.remove(spec.url) != nil, isReady else { return [] }
        state.lastRun += 1
        state.runs[spec.url] = EngineRun(id: state.lastRun, activation: spec.activation, process: nil)
        state.machine.found(spec.url, isReady: true, now: now)
        logger.notice("a server on demand runs already", metadata: ["endpoint": "\(spec.url)"])
        return []
    }

    private func missed(_ url: String, _ isReady: Bool, _ state: inout State, _ now: UInt64) -> [EngineAction] {
        guard let run = state.runs[url], run.process == nil else { return [] }
        let strikes = isReady ? 0 : (state.strikes[url] ?? 0) + 1
        state.strikes[url] = strikes
        guard strikes >= Self.strikeLimit else { return [] }
        state.strikes[url] = 0
        state.runs[url] = nil
        return state.machine.ended(url, "it does not answer", now: now)
    }

    private func heardMetrics(_ errand: Errand, _ outcome: Inquiry.Outcome) {
        guard let address = errand.address, case .replied(let reply) = outcome else { return }
        // Outside the lock: a page may be long.
        let load = reply.status == 200 ? EngineLoad.parse(reply.body) : nil
        let isNew = state.withLock { state in
            if let load {
                state.mute.remove(errand.url)
                state.loads.take(EndpointKey(url: errand.url, address: address), load, now: Clocks.monotonic())
                return false
            }
            return state.mute.insert(errand.url).inserted
        }
        // At once: what is sent there meanwhile goes by what it said before.
        if load != nil { update { _, _ in [] } }
        guard isNew else { return }
        logger.notice(
            "an engine does not say how busy it is",
            metadata: ["endpoint": "\(errand.url)", "reason": "status \(reply.status), without a name that is known"])
    }
}
