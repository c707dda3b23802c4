import Glibc

/// What tests ask the engine, and tell it, beside what clients do.
struct DebugRoutes {
    let shared: EngineState

    func answer(_ head: RequestHead) -> Answer {
        switch (head.method, head.path) {
        case ("GET", "/debug/requests"):
            return .json(String(decoding: shared.log.report(engine: shared.options.name), as: UTF8.self))
        case ("GET", "/debug/usage"): return .json(shared.ledger.report(engine: shared.options.name))
        case ("GET", "/debug/served"): return .json(shared.served.report(shared.slots.figures))
        case ("DELETE", let path): return forget(path)
        case ("PUT", "/debug/faults"):
            return shared.faults.set(query: query(head)) == nil
                ? .error(400, "percent, status, hang, ttft, metrics") : Answer(status: 204)
        case ("POST", "/debug/capacity"): return setCapacity(query(head))
        case ("POST", "/debug/say"): return say(query(head))
        case ("POST", "/debug/crash"): _exit(3)
        default: return .error(404, "there is no \(head.method) \(head.path) here")
        }
    }

    private func query(_ head: RequestHead) -> Substring {
        head.target.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
    }

    private func forget(_ path: String) -> Answer {
        switch path {
        case "/debug/requests": shared.log.reset()
        case "/debug/usage": shared.ledger.reset()
        case "/debug/served":
            shared.served.reset()
            shared.slots.forgetMost()
        default: return .error(404, "nothing is kept at \(path)")
        }
        return Answer(status: 204)
    }

    /// `requests=8`, or `requests=any`.
    private func setCapacity(_ query: Substring) -> Answer {
        guard query.hasPrefix("requests=") else { return .error(400, "requests=N, or requests=any") }
        let value = query.dropFirst("requests=".count)
        guard value != "any" else {
            shared.slots.set(limit: nil)
            return Answer(status: 204)
        }
        guard let limit = Int(value), limit >= 0 else { return .error(400, "requests=N, or requests=any") }
        shared.slots.set(limit: limit)
        return Answer(status: 204)
    }

    /// `lines=1000`: writes so many, numbered, to the standard output.
    private func say(_ query: Substring) -> Answer {
        guard query.hasPrefix("lines="), let lines = Int(query.dropFirst("lines=".count)), lines >= 0 else {
            return .error(400, "lines=N")
        }
        for line in 0..<lines { print("\(shared.options.name) says line \(line)") }
        fflush(nil)
        return Answer(status: 204)
    }
}
