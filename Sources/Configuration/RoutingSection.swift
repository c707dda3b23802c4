import Catalog

/// `strategy`, `retry` and `breaker` of a model or a pool.
enum RoutingSection {
    static let keys = ["strategy", "retry", "breaker"]
    private static let retryKeys = KnownKeys([
        "attempts", "statuses", "backoff", "maxBackoff", "scope", "budget", "firstByteTimeout", "hedge", "maxBody",
    ])
    private static let breakerKeys = KnownKeys([
        "failures", "errorRate", "minimum", "window", "cooldown", "trials", "successes",
    ])

    /// - Parameter defaults: what holds for keys that are left out.
    static func read(_ fields: [String: Field], over defaults: RoutingPolicy, _ reading: Reading) -> RoutingPolicy {
        var policy = defaults
        if let field = fields["strategy"], let strategy = StrategySection.read(field, reading) { policy.strategy = strategy }
        if let field = fields["retry"] { policy.retry = retry(field, reading) }
        if let field = fields["breaker"] { policy.breaker = breaker(field, reading) }
        return policy
    }

    /// A mapping, or `off`.
    private static func retry(_ field: Field, _ reading: Reading) -> RetryPolicy {
        var retry = RetryPolicy()
        if case .scalar = field.value.content {
            reading.set(&retry.attempts, field) { text throws(Refusal) in
                guard text == "off" else {
                    throw Refusal("is not off and no mapping of \(retryKeys.accepted.joined(separator: ", "))")
                }
                return 1
            }
            return retry
        }
        let fields = reading.members(field, retryKeys)
        reading.set(&retry.attempts, fields["attempts"]) { text throws(Refusal) in try NumberText.integer(text, in: 1...10) }
        if let field = fields["statuses"] { retry.statuses = Set(reading.values(field, status).map(\.value)) }
        reading.set(&retry.scope, fields["scope"]) { text throws(Refusal) in
            try NameText.word(text, of: RetryPolicy.Scope.self)
        }
        reading.set(&retry.budget, fields["budget"]) { text throws(Refusal) in try NumberText.percent(text, in: 0...100) }
        reading.set(&retry.hedges, fields["hedge"], NameText.truth)
        reading.set(&retry.bodyLimit, fields["maxBody"]) { text throws(Refusal) in
            try NumberText.bytes(text, in: 0...Limits.keptBody, "from 0 to 32MiB")
        }
        readWaits(&retry, fields, reading)
        return retry
    }

    private static func readWaits(_ retry: inout RetryPolicy, _ fields: [String: Field], _ reading: Reading) {
        let backoff = fields["backoff"].flatMap { reading.value($0, wait) }
        let longest = fields["maxBackoff"].flatMap { reading.value($0, wait) }
        if let backoff { retry.backoff = backoff.value }
        if let longest { retry.maxBackoff = longest.value }
        if retry.maxBackoff < retry.backoff, let given = longest ?? backoff {
            let message = "makes maxBackoff (\(retry.maxBackoff)ms) shorter than backoff (\(retry.backoff)ms)"
            reading.fault(given.field, "\(given.shown) \(message)")
        }
        if let field = fields["firstByteTimeout"] {
            retry.firstByteTimeout = reading.value(field, NumberText.milliseconds)?.value
        }
    }

    private static func wait(_ text: String) throws(Refusal) -> Int {
        try NumberText.milliseconds(text, in: 1...120_000, "from 1ms to 2m")
    }

    private static func status(_ text: String) throws(Refusal) -> UInt16 {
        guard let number = NumberText.digits(text), number == 429 || (500...599).contains(number) else {
            throw Refusal("is not a status that can be tried again: 429, or 500 to 599")
        }
        return UInt16(number)
    }

    private static func breaker(_ field: Field, _ reading: Reading) -> BreakerPolicy {
        var breaker = BreakerPolicy()
        let fields = reading.members(field, breakerKeys)
        let counts: [(key: String, path: WritableKeyPath<BreakerPolicy, Int>, range: ClosedRange<Int>)] = [
            ("failures", \.failures, 1...1_000), ("minimum", \.minimum, 1...1_000_000), ("trials", \.trials, 1...100),
            ("successes", \.successes, 1...100),
        ]
        for (key, path, range) in counts {
            reading.set(&breaker[keyPath: path], fields[key]) { text throws(Refusal) in
                try NumberText.integer(text, in: range)
            }
        }
        reading.set(&breaker.errorRate, fields["errorRate"]) { text throws(Refusal) in
            try NumberText.percent(text, in: 0...100)
        }
        for (key, path) in [("window", \BreakerPolicy.window), ("cooldown", \.cooldown)] {
            reading.set(&breaker[keyPath: path], fields[key]) { text throws(Refusal) in
                try NumberText.milliseconds(text, in: 100...3_600_000, "from 100ms to 1h")
            }
        }
        return breaker
    }
}
