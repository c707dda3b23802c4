import Synchronization

/// How the engine misbehaves at the moment; changed while it runs by `PUT /debug/faults?percent=30&status=500&hang=1&ttft=1s&metrics=hang`.
/// What a change does not name is off.
final class Faults: Sendable {
    struct State: Sendable {
        /// Of the requests, how many are answered with `status`.
        var percent = 0
        var status = 500
        var hang = false
        /// Instead of the option of the same name.
        var ttft: Duration?
        /// What becomes of those who ask for /metrics: `hang` or a status; nil: they are answered.
        var metrics: String?
    }

    private let state = Mutex(State())

    var now: State { state.withLock { $0 } }

    /// nil: the query says something that is no fault.
    func set(query: Substring) -> State? {
        var new = State()
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { return nil }
            switch parts[0] {
            case "percent": new.percent = Int(parts[1]) ?? 0
            case "status": new.status = Int(parts[1]) ?? 500
            case "hang": new.hang = parts[1] == "1"
            case "metrics": new.metrics = String(parts[1])
            case "ttft": new.ttft = Duration(argument: String(parts[1]))
            default: return nil
            }
        }
        let result = new
        state.withLock { $0 = result }
        return result
    }

    /// The status with which this request fails; nil: it does not. Evenly spread: 30 percent are 3 of 10 in a row.
    func status(of seq: Int) -> Int? {
        let state = now
        guard state.percent > 0, (seq * state.percent) % 100 < state.percent else { return nil }
        return state.status
    }
}
