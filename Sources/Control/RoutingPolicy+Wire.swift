import Catalog

extension RoutingPolicy: WireCoded {
    static var wireMinimum: Int { 1 + RetryPolicy.wireMinimum + BreakerPolicy.wireMinimum }

    func write(to writer: inout WireWriter) {
        writer.write(strategy)
        writer.write(retry)
        writer.write(breaker)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(strategy: try reader.value(), retry: try reader.value(), breaker: try reader.value())
    }
}

extension Strategy: WireCoded {
    static var wireMinimum: Int { 1 }

    func write(to writer: inout WireWriter) {
        writer.write(caseOf: kind)
        switch self {
        case .sessionSticky(let policy): writer.write(policy)
        case .prefixAffinity(let policy):
            writer.write(natural: policy.bytes)
            writer.write(natural: policy.load)
        case .rateLimitAware(let threshold): writer.write(threshold)
        case .priority, .roundRobin, .weighted, .leastInFlight, .powerOfTwo, .lowestLatency, .costFirst: break
        }
    }

    init(from reader: inout WireReader) throws(WireError) {
        switch try reader.caseOf(Kind.self) {
        case .priority: self = .priority
        case .roundRobin: self = .roundRobin
        case .weighted: self = .weighted
        case .leastInFlight: self = .leastInFlight
        case .powerOfTwo: self = .powerOfTwo
        case .lowestLatency: self = .lowestLatency
        case .costFirst: self = .costFirst
        case .sessionSticky: self = .sessionSticky(try reader.value())
        case .prefixAffinity:
            self = .prefixAffinity(PrefixPolicy(bytes: try reader.natural(), load: try reader.natural()))
        case .rateLimitAware: self = .rateLimitAware(threshold: try reader.byte())
        }
    }
}

extension SessionPolicy: WireCoded {
    static var wireMinimum: Int { 10 }

    func write(to writer: inout WireWriter) {
        writer.write(key)
        writer.write(isStrict)
        writer.write(natural: timeout)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(key: try reader.value(), isStrict: try reader.boolean(), timeout: try reader.natural())
    }
}

extension SessionPolicy.Key: WireCoded {
    static var wireMinimum: Int { 1 }

    func write(to writer: inout WireWriter) {
        switch self {
        case .header(let name):
            writer.write(UInt8(1))
            writer.write(name)
        case .user: writer.write(UInt8(2))
        case .client: writer.write(UInt8(3))
        }
    }

    init(from reader: inout WireReader) throws(WireError) {
        switch try reader.byte() {
        case 1: self = .header(try reader.text())
        case 2: self = .user
        case 3: self = .client
        default: throw .invalidValue
        }
    }
}

extension RetryPolicy: WireCoded {
    static var wireMinimum: Int { 8 * 6 + 4 + 2 }

    func write(to writer: inout WireWriter) {
        for value in [attempts, backoff, maxBackoff, budget, bodyLimit] { writer.write(natural: value) }
        writer.write(statuses.sorted().map(UInt32.init))
        writer.write(caseOf: scope)
        writer.write(natural: firstByteTimeout.map { $0 + 1 } ?? 0)
        writer.write(hedges)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init()
        attempts = try reader.natural()
        backoff = try reader.natural()
        maxBackoff = try reader.natural()
        budget = try reader.natural()
        bodyLimit = try reader.natural()
        statuses = []
        var last: UInt16?
        for status in try reader.list(of: UInt32.self) {
            guard let status = UInt16(exactly: status), last.map({ $0 < status }) ?? true else { throw .invalidValue }
            last = status
            statuses.insert(status)
        }
        scope = try reader.caseOf()
        let limit = try reader.natural()
        firstByteTimeout = limit == 0 ? nil : limit - 1
        hedges = try reader.boolean()
    }
}

extension BreakerPolicy: WireCoded {
    static var wireMinimum: Int { 56 }

    func write(to writer: inout WireWriter) {
        for value in [failures, errorRate, minimum, window, cooldown, trials, successes] { writer.write(natural: value) }
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            failures: try reader.natural(), errorRate: try reader.natural(), minimum: try reader.natural(),
            window: try reader.natural(), cooldown: try reader.natural(), trials: try reader.natural(),
            successes: try reader.natural())
    }
}
