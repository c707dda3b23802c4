internal import Catalog
internal import Control
internal import Synchronization

/// What people ask about servers on demand, and what they do to them.
extension EngineKeeper {
    /// - Parameter uid: who wants it; nil: it is not known.
    func start(_ url: String, by uid: UInt32?) throws(AgentError) -> EngineReport {
        try change(url, by: uid) { machine, now in machine.order(url, now: now) }
    }

    func stop(_ url: String, by uid: UInt32?) throws(AgentError) -> EngineReport {
        try change(url, by: uid) { machine, now in machine.dismiss(url, now: now) }
    }

    private func change(
        _ url: String, by uid: UInt32?, _ change: (inout EngineMachine, UInt64) -> [EngineAction]
    ) throws(AgentError) -> EngineReport {
        guard state.withLock({ $0.specs[url] != nil }) else { throw AgentError("no endpoint on demand has the URL \(url)") }
        update { state, now in
            state.orders[url] = uid
            return change(&state.machine, now)
        }
        guard let report = state.withLock({ report(url, $0) }) else {
            throw AgentError("no endpoint on demand has the URL \(url)")
        }
        return report
    }

    /// In the order of their URLs.
    var reports: [EngineReport] {
        state.withLock { state in state.specs.keys.sorted().compactMap { report($0, state) } }
    }

    var phases: [String: EnginePhase] {
        state.withLock { state in state.specs.mapValues { state.machine.phase(of: $0.url).phase } }
    }

    /// - Parameter name: the URL, or a model's name.
    func log(_ name: String, last: Int) throws(AgentError) -> EngineLog {
        let (url, method, book) = state.withLock { state -> (String?, Activation.Method?, EngineLogBook?) in
            let spec = state.specs[name] ?? state.specs.values.sorted { $0.url < $1.url }.first { $0.names.contains(name) }
            return (spec?.url, spec?.activation.method, spec.flatMap { state.logs[$0.url] })
        }
        guard let url, let method else { throw AgentError("nothing on demand has the URL, or serves the model, \(name)") }
        switch method {
        case .exec: break
        case .http: throw AgentError("\(url) is no process of the agent's: what it writes is not kept here")
        case .unit(let unit): throw AgentError("what the unit \(unit) writes is in the journal: journalctl -u \(unit)")
        }
        let (lines, dropped) = book?.last(last) ?? ([], 0)
        return EngineLog(url: url, lines: lines, dropped: dropped)
    }

    private func report(_ url: String, _ state: State) -> EngineReport? {
        guard let spec = state.specs[url], let server = state.machine.servers[url] else { return nil }
        let now = Clocks.monotonic()
        let (phase, retry) = state.machine.phase(of: url)
        return EngineReport(
            url: url, models: spec.names, phase: phase.text, method: spec.activation.method.text,
            pid: state.runs[url]?.process?.pid, oneOf: spec.activation.oneOf, starts: server.starts, crashes: server.crashes,
            fault: server.fault, retryMilliseconds: retry.map { $0 > now ? ($0 - now) / 1_000_000 : 0 })
    }
}
