extension EndpointKey: WireCoded {
    static var wireMinimum: Int { 11 }

    func write(to writer: inout WireWriter) {
        writer.write(url)
        writer.write(address)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(url: try reader.text(), address: try reader.value())
    }
}

extension EndpointStanding: WireCoded {
    static var wireMinimum: Int { EndpointKey.wireMinimum + 27 }

    func write(to writer: inout WireWriter) {
        writer.write(key)
        writer.write(fault)
        writer.write(isDrained)
        writer.write(maintenanceUntil)
        writer.write(phase.rawValue)
        writer.write(retryAt)
        writer.write(load)
        writer.write(reading)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            key: try reader.value(), fault: try reader.text(), isDrained: try reader.boolean(),
            maintenanceUntil: try reader.integer(), phase: try reader.tagged(), retryAt: try reader.integer(),
            load: try reader.optional(), reading: try reader.integer())
    }
}

extension EndpointRecord: WireCoded {
    static var wireMinimum: Int { 8 + EndpointKey.wireMinimum + 6 + 8 * 7 }

    func write(to writer: inout WireWriter) {
        writer.write(model)
        writer.write(key)
        writer.write(standby?.rawValue ?? 0)
        writer.write(detail)
        writer.write(breaker.rawValue)
        for value in [remaining, inFlight, requests, failures, firstByteMean, latencyMean, fallbacks] { writer.write(value) }
        writer.write(limitUse.map { min($0, 100) + 1 } ?? 0)
        writer.write(limit)
        writer.write(isAdaptive)
        writer.write(phase.rawValue)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(model: try reader.text(), key: try reader.value())
        let reason = try reader.byte()
        standby = StandbyReason(rawValue: reason)
        guard reason == 0 || standby != nil else { throw .invalidValue }
        detail = try reader.text()
        breaker = try reader.tagged()
        remaining = try reader.integer()
        inFlight = try reader.integer()
        requests = try reader.integer()
        failures = try reader.integer()
        firstByteMean = try reader.integer()
        latencyMean = try reader.integer()
        fallbacks = try reader.integer()
        let use = try reader.byte()
        guard use <= 101 else { throw .invalidValue }
        limitUse = use == 0 ? nil : use - 1
        limit = try reader.optional()
        isAdaptive = try reader.boolean()
        phase = try reader.tagged()
    }
}

extension RouteRecord: WireCoded {
    static var wireMinimum: Int { 4 + 8 * 10 }

    func write(to writer: inout WireWriter) {
        writer.write(name)
        for value in [
            requests, retries, hedges, hedgesWon, budgetDenied, fallbacks, exhausted, mirrored, mirrorFailures, rotations,
        ] { writer.write(value) }
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(name: try reader.text())
        requests = try reader.integer()
        retries = try reader.integer()
        hedges = try reader.integer()
        hedgesWon = try reader.integer()
        budgetDenied = try reader.integer()
        fallbacks = try reader.integer()
        exhausted = try reader.integer()
        mirrored = try reader.integer()
        mirrorFailures = try reader.integer()
        rotations = try reader.integer()
    }
}

extension ExplainQuery: WireCoded {
    static var wireMinimum: Int { 20 }

    func write(to writer: inout WireWriter) {
        writer.write(model)
        writer.write(client)
        writer.write(headers)
        writer.write(user)
        writer.write(prompt)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            model: try reader.text(), client: try reader.text(), headers: try reader.list(), user: try reader.text(),
            prompt: try reader.text())
    }
}

extension ExplainHeader: WireCoded {
    static var wireMinimum: Int { 8 }

    func write(to writer: inout WireWriter) {
        writer.write(name)
        writer.write(value)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(name: try reader.text(), value: try reader.text())
    }
}

extension RouteDecision: WireCoded {
    static var wireMinimum: Int { 12 + 8 + 2 + 2 + 4 }

    func write(to writer: inout WireWriter) {
        writer.write(kind)
        writer.write(name)
        writer.write(strategy)
        writer.write(stages)
        writer.write(candidates)
        writer.write(chosen.map { UInt32(clamping: $0) })
        writer.write(line)
        writer.write(status)
        writer.write(refusal)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(kind: try reader.text(), name: try reader.text(), strategy: try reader.text())
        stages = try reader.list()
        candidates = try reader.list()
        chosen = try reader.optional(UInt32.self).map(Int.init)
        guard chosen.map({ $0 < candidates.count }) ?? true else { throw .invalidValue }
        line = try reader.optional()
        status = try reader.integer()
        refusal = try reader.text()
    }
}

extension RouteDecision.Line: WireCoded {
    static var wireMinimum: Int { 4 + 4 + 4 + 1 }

    func write(to writer: inout WireWriter) {
        writer.write(model)
        writer.write(group)
        writer.write(place)
        writer.write(wait.map { Wide($0) })
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            model: try reader.text(), group: try reader.text(), place: try reader.integer(),
            wait: try reader.optional(Wide.self)?.value)
    }
}

extension RouteDecision.Candidate: WireCoded {
    static var wireMinimum: Int { 4 + EndpointKey.wireMinimum + 1 + 4 + 1 }

    func write(to writer: inout WireWriter) {
        writer.write(model)
        writer.write(key)
        writer.write(score.map { Wide($0.bitPattern) })
        writer.write(note)
        writer.write(isFallback)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            model: try reader.text(), key: try reader.value(),
            score: try reader.optional(Wide.self).map { Double(bitPattern: $0.value) }, note: try reader.text(),
            isFallback: try reader.boolean())
    }
}
