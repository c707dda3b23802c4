import Catalog
import Telemetry

extension Concurrency: WireCoded {
    static var wireMinimum: Int { 5 }

    func write(to writer: inout WireWriter) {
        switch self {
        case .fixed(let limit):
            writer.write(UInt8(1))
            writer.write(limit)
        case .adaptive(let limit):
            writer.write(UInt8(2))
            for value in [limit.least, limit.most, limit.initial] { writer.write(value) }
        }
    }

    init(from reader: inout WireReader) throws(WireError) {
        switch try reader.byte() {
        case 1: self = .fixed(try reader.integer())
        case 2:
            self = .adaptive(
                AdaptiveLimit(least: try reader.integer(), most: try reader.integer(), initial: try reader.integer()))
        default: throw .invalidValue
        }
    }
}

extension Group: WireCoded {
    static var wireMinimum: Int { 15 }

    func write(to writer: inout WireWriter) {
        writer.write(name)
        writer.write(priority)
        writer.write(weight)
        writer.write(isReclaimable)
        writer.write(caseOf: delivery)
        writer.write(queue)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            name: try reader.text(), priority: try reader.integer(), weight: try reader.integer(),
            isReclaimable: try reader.boolean(), delivery: try reader.caseOf(), queue: try reader.optional())
    }
}

extension QueuePolicy: WireCoded {
    static var wireMinimum: Int { 30 }

    func write(to writer: inout WireWriter) {
        writer.write(length)
        writer.write(bytes)
        writer.write(natural: wait)
        writer.write(natural: ageing)
        writer.write(caseOf: order)
        writer.write(comments.map { Wide(UInt64(clamping: $0)) })
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            length: try reader.integer(), bytes: try reader.integer(), wait: try reader.natural(), ageing: try reader.natural(),
            order: try reader.caseOf())
        guard let period = try reader.optional(Wide.self) else { return }
        guard let comments = Int(exactly: period.value) else { throw .invalidValue }
        self.comments = comments
    }
}

extension QueueRecord: WireCoded {
    private static let counters: [any WritableKeyPath<Self, UInt64> & Sendable] = [
        \.inFlight, \.entitlement, \.waiting, \.bytes, \.oldest, \.granted, \.immediate, \.full, \.expired, \.shed, \.left,
        \.tokens, \.tokenRate,
    ]

    static var wireMinimum: Int { 9 + 8 * counters.count + Histogram.wireMinimum }

    func write(to writer: inout WireWriter) {
        writer.write(model)
        writer.write(group)
        writer.write(limit.map(Wide.init))
        for counter in Self.counters { writer.write(self[keyPath: counter]) }
        writer.write(waits)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(model: try reader.text(), group: try reader.text())
        limit = try reader.optional(Wide.self)?.value
        for counter in Self.counters { self[keyPath: counter] = try reader.integer() }
        waits = try reader.value()
    }
}
