import Telemetry

/// Counters of a value in the order in which messages have them.
private typealias Counters<Value> = [any WritableKeyPath<Value, UInt64> & Sendable]

extension Histogram: WireCoded {
    static var wireMinimum: Int { 8 * 18 }

    func write(to writer: inout WireWriter) {
        for index in counts.indices { writer.write(counts[index]) }
        writer.write(sum)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init()
        for index in counts.indices { counts[index] = try reader.integer() }
        sum = try reader.integer()
    }
}

extension ModelCounters: WireCoded {
    private static let counters: Counters<Self> = [
        \.requests, \.status2xx, \.status3xx, \.status4xx, \.status5xx, \.broken, \.cancelled, \.bytesIn, \.bytesOut, \.active,
        \.rateLimited, \.tokenLimited, \.accessRefused, \.tokens,
        \.inputTokens, \.outputTokens,
    ]
    private static let histograms: [any WritableKeyPath<Self, Histogram> & Sendable] = [
        \.firstByte, \.duration, \.dispatch, \.tokenTime, \.inputUse, \.outputUse,
    ]

    static var wireMinimum: Int { 8 * counters.count + histograms.count * Histogram.wireMinimum }

    func write(to writer: inout WireWriter) {
        for counter in Self.counters { writer.write(self[keyPath: counter]) }
        for histogram in Self.histograms { writer.write(self[keyPath: histogram]) }
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init()
        for counter in Self.counters { self[keyPath: counter] = try reader.integer() }
        for histogram in Self.histograms { self[keyPath: histogram] = try reader.value() }
    }
}

extension ProxyStatistics.ModelEntry: WireCoded {
    static var wireMinimum: Int { 5 + ModelCounters.wireMinimum }

    func write(to writer: inout WireWriter) {
        writer.write(name)
        writer.write(inCatalog)
        writer.write(counters)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(name: try reader.text(), inCatalog: try reader.boolean(), counters: try reader.value())
    }
}

extension ClientCounters: WireCoded {
    private static let counters: Counters<Self> = [
        \.requests, \.active, \.accessRefused, \.rateRefused, \.tokenRefused, \.concurrencyRefused, \.quotaRefused,
        \.otherRefused, \.inputTokens, \.outputTokens, \.cost,
    ]

    static var wireMinimum: Int { 8 * counters.count }

    func write(to writer: inout WireWriter) {
        for counter in Self.counters { writer.write(self[keyPath: counter]) }
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init()
        for counter in Self.counters { self[keyPath: counter] = try reader.integer() }
    }
}

extension ProxyStatistics.ClientEntry: WireCoded {
    static var wireMinimum: Int { 4 + ClientCounters.wireMinimum }

    func write(to writer: inout WireWriter) {
        writer.write(name)
        writer.write(counters)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(name: try reader.text(), counters: try reader.value())
    }
}

extension ProxyStatistics: WireCoded {
    private static let counters: Counters<Self> = [
        \.acceptedCaptured, \.acceptedGateway, \.openConnections, \.withoutOrigin, \.opaque, \.unnamed, \.refused,
        \.upstreamConnects, \.upstreamReuses, \.upstreamConnectFailures, \.staleRetries, \.acceptFailures, \.residentBytes,
        \.descriptors, \.uptimeMilliseconds, \.tagFailures,
        \.unauthenticated, \.identityConflicts, \.tokensChecked, \.auditLines, \.auditDropped, \.tlsHandshakes,
        \.tlsHandshakeFailures, \.processorMicroseconds, \.spans, \.spansDropped,
    ]

    static var wireMinimum: Int { 8 + 8 * counters.count }

    func write(to writer: inout WireWriter) {
        writer.write(models)
        writer.write(clients)
        for counter in Self.counters { writer.write(self[keyPath: counter]) }
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init()
        models = try reader.list()
        clients = try reader.list()
        for counter in Self.counters { self[keyPath: counter] = try reader.integer() }
    }
}
