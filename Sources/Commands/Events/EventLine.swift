package import Control

extension EventReport {
    /// The event on one line: time and kind, then whatever else is known of it.
    package var line: String {
        var parts = [time, kind.rawValue]
        for (name, value) in [
            ("model", model), ("client", client), ("pid", pid.map { "\($0)" }), ("pod", pod),
            ("workload", workload), ("address", address), ("rule", rule), ("reason", reason),
        ] {
            if let value { parts.append("\(name)=\(value)") }
        }
        if observed == true { parts.append(reason == "no-endpoint" ? "let pass" : "observed, let pass") }
        if let detail { parts.append(detail) }
        return parts.joined(separator: "  ").printable
    }
}
