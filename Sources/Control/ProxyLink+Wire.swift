import Catalog

/// The form of messages between agent and proxy: one byte of version, one that names the message, then its values in
/// order. A message has one encoding only, and bytes that are not exactly one are refused.
///
/// An agent may find a proxy of another build. What it takes to replace that one is therefore written the same way in all
/// versions (`lasting`): nothing of these messages ever changes but that something new may stand behind what there was.
package enum Wire {
    /// Raised by every change of what a message holds or means, but for additions to the lasting ones.
    package static let version: UInt8 = 6
    /// The first version that has the messages for handing listeners over.
    package static let handingOver: UInt8 = 6
    /// Bytes of the largest message.
    package static let frameLimit = 64 << 20

    /// The messages that every version understands, by the first that did.
    static let lasting: [UInt8: UInt8] = [
        4: 4, 8: handingOver, 10: handingOver, 129: 4, 135: handingOver, 136: handingOver,
    ]

    /// - Parameter peer: the version that the other side speaks; what is not lasting is for its own version alone.
    static func encode(tag: UInt8, for peer: UInt8 = version, _ body: (inout WireWriter) -> Void) -> [UInt8] {
        var writer = WireWriter()
        writer.write(lasting[tag] == nil ? version : min(version, peer))
        writer.write(tag)
        body(&writer)
        return writer.bytes
    }

    static func decode<Message>(
        _ payload: [UInt8], _ body: (UInt8, inout WireReader) throws(WireError) -> Message
    ) throws(WireError) -> Message {
        guard payload.count <= frameLimit else { throw .frameTooLarge(payload.count) }
        var reader = WireReader(payload)
        let version = try reader.byte()
        guard version == Self.version else { throw .version(version) }
        let message = try body(try reader.byte(), &reader)
        try reader.finish()
        return message
    }

    /// Reads a message of a peer that may be of another build.
    ///
    /// - Returns: the message, nil for one that this build does not know; and the version that it is written in.
    static func decodePeer<Message>(
        _ payload: [UInt8], _ body: (UInt8, inout WireReader) throws(WireError) -> Message
    ) throws(WireError) -> (message: Message?, version: UInt8) {
        guard payload.count <= frameLimit else { throw .frameTooLarge(payload.count) }
        var reader = WireReader(payload)
        reader.version = try reader.byte()
        let tag = try reader.byte()
        if reader.version != version {
            guard let first = lasting[tag], reader.version >= first else { return (nil, reader.version) }
            return (try body(tag, &reader), reader.version)
        }
        let message: Message
        do throws(WireError) {
            message = try body(tag, &reader)
        } catch .unknownMessage(_) {
            return (nil, reader.version)
        }
        try reader.finish()
        return (message, reader.version)
    }
}

extension AgentMessage {
    /// The message without its length.
    ///
    /// - Parameter peer: the version of the format that the proxy speaks.
    package func encoded(for peer: UInt8 = Wire.version) -> [UInt8] {
        switch self {
        case .welcome(let settings): Wire.encode(tag: 1) { $0.write(settings) }
        case .configure(let settings): Wire.encode(tag: 2) { $0.write(settings) }
        case .query(let id, let query):
            Wire.encode(tag: 3) { writer in
                writer.write(id)
                writer.write(query)
            }
        case .stop(let deadline): Wire.encode(tag: 4, for: peer) { $0.write(deadline) }
        case .standings(let standings): Wire.encode(tag: 5) { $0.write(standings) }
        case .watchDecisions(let wanted): Wire.encode(tag: 6) { $0.write(wanted) }
        case .auditSink(let isOpen): Wire.encode(tag: 7) { $0.write(isOpen) }
        case .handOver: Wire.encode(tag: 8, for: peer) { _ in }
        case .listener(let listener): Wire.encode(tag: 9) { $0.write(listener) }
        case .retire(let deadline): Wire.encode(tag: 10, for: peer) { $0.write(deadline) }
        case .carry(let totals): Wire.encode(tag: 11) { $0.write(totals) }
        case .pods(let pods): Wire.encode(tag: 12) { $0.write(pods) }
        }
    }

    /// Reads what `encoded` made; anything else is refused.
    package init(decoding payload: [UInt8]) throws(WireError) { self = try Wire.decode(payload, Self.read) }

    /// Reads what an agent of another build may have made.
    ///
    /// - Returns: the message, nil for one that this build does not know; and the version that it is written in.
    package static func fromPeer(_ payload: [UInt8]) throws(WireError) -> (message: AgentMessage?, version: UInt8) {
        try Wire.decodePeer(payload, read)
    }

    private static func read(_ tag: UInt8, _ reader: inout WireReader) throws(WireError) -> AgentMessage {
        switch tag {
        case 1: .welcome(try reader.value())
        case 2: .configure(try reader.value())
        case 3: .query(id: try reader.integer(), try reader.value())
        case 4: .stop(deadlineMilliseconds: try reader.integer())
        case 5: .standings(try reader.list())
        case 6: .watchDecisions(try reader.boolean())
        case 7: .auditSink(try reader.boolean())
        case 8: .handOver
        case 9: .listener(try reader.value())
        case 10: .retire(deadlineMilliseconds: try reader.integer())
        case 11: .carry(try reader.value())
        case 12: .pods(try reader.list())
        default: throw .unknownMessage(tag)
        }
    }
}

extension ProxyMessage {
    /// The message without its length.
    package func encoded() -> [UInt8] {
        switch self {
        case .hello(let hello): Wire.encode(tag: 129) { $0.write(hello) }
        case .applied(let generation): Wire.encode(tag: 130) { $0.write(generation) }
        case .rejected(let generation, let reason):
            Wire.encode(tag: 131) { writer in
                writer.write(generation)
                writer.write(reason)
            }
        case .report(let id, let report):
            Wire.encode(tag: 132) { writer in
                writer.write(id)
                writer.write(report)
            }
        case .event(let event): Wire.encode(tag: 133) { $0.write(event) }
        case .wanted(let keys): Wire.encode(tag: 134) { $0.write(keys) }
        case .listener(let listener): Wire.encode(tag: 135) { $0.write(listener) }
        case .handedOver(let sockets): Wire.encode(tag: 136) { $0.write(sockets) }
        case .spans(let bytes, let count):
            Wire.encode(tag: 137) { writer in
                writer.write(sized: bytes)
                writer.write(count)
            }
        }
    }

    /// Reads what `encoded` made; anything else is refused.
    package init(decoding payload: [UInt8]) throws(WireError) { self = try Wire.decode(payload, Self.read) }

    /// Reads what a proxy of another build may have made.
    ///
    /// - Returns: the message, nil for one that this build does not know; and the version that it is written in.
    package static func fromPeer(_ payload: [UInt8]) throws(WireError) -> (message: ProxyMessage?, version: UInt8) {
        try Wire.decodePeer(payload, read)
    }

    private static func read(_ tag: UInt8, _ reader: inout WireReader) throws(WireError) -> ProxyMessage {
        switch tag {
        case 129: .hello(try reader.value())
        case 130: .applied(generation: try reader.integer())
        case 131: .rejected(generation: try reader.integer(), reason: try reader.text())
        case 132: .report(id: try reader.integer(), try reader.value())
        case 133: .event(try reader.value())
        case 134: .wanted(try reader.list())
        case 135: .listener(try reader.value())
        case 136: .handedOver(sockets: try reader.integer())
        case 137: .spans(try reader.sized(), count: try reader.integer())
        default: throw .unknownMessage(tag)
        }
    }
}

extension ProxySettings: WireCoded {
    static var wireMinimum: Int { 25 + Catalog.wireMinimum + Credentials.wireMinimum }

    func write(to writer: inout WireWriter) {
        writer.write(generation)
        writer.write(catalog)
        writer.write(hostNetnsCookie)
        writer.write(slots)
        writer.write(credentials)
        writer.write(accountSlots)
        writer.write(tracing)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            generation: try reader.integer(), catalog: try reader.value(), hostNetnsCookie: try reader.integer(),
            slots: try reader.list(), credentials: try reader.value(), accountSlots: try reader.list(),
            tracing: try reader.optional())
        // Slots belong to models by position: a list of another length would give models each other's limits.
        guard slots.isEmpty || slots.count == catalog.models.count else { throw .invalidValue }
        guard accountSlots.isEmpty || accountSlots.count == catalog.accounts.count else { throw .invalidValue }
    }
}

extension ProxyHello: WireCoded {
    static var wireMinimum: Int { 20 }

    func write(to writer: inout WireWriter) {
        writer.write(pid)
        writer.write(version)
        writer.write(abi)
        writer.write(generation)
        writer.write(retiring)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            pid: try reader.integer(), version: try reader.text(), abi: try reader.integer(), generation: try reader.integer())
        if reader.version >= Wire.handingOver { retiring = try reader.optional() }
    }
}

extension HandedListener: WireCoded {
    static var wireMinimum: Int { SocketAddress.wireMinimum + 2 }

    func write(to writer: inout WireWriter) {
        writer.write(address)
        writer.write(purpose.rawValue)
        writer.write(count)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(address: try reader.value(), purpose: try reader.tagged(), count: try reader.byte())
        guard (1...UInt8(Self.maximumCount)).contains(count) else { throw .invalidValue }
    }
}

extension ProxyTotals: WireCoded {
    static var wireMinimum: Int { ProxyStatistics.wireMinimum + 8 }

    func write(to writer: inout WireWriter) {
        writer.write(statistics)
        writer.write(endpoints)
        writer.write(routes)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(statistics: try reader.value(), endpoints: try reader.list(), routes: try reader.list())
    }
}

extension CgroupPod: WireCoded {
    static var wireMinimum: Int { 16 }

    func write(to writer: inout WireWriter) {
        writer.write(cgroup)
        writer.write(pod.name)
        writer.write(pod.serviceAccount)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            cgroup: try reader.integer(), pod: PodName(name: try reader.text(), serviceAccount: try reader.text()))
    }
}

extension Tracing: WireCoded {
    static var wireMinimum: Int { 9 }

    func write(to writer: inout WireWriter) {
        writer.write(sample)
        writer.write(followsParent)
    }

    init(from reader: inout WireReader) throws(WireError) {
        let sample: UInt64 = try reader.integer()
        guard sample <= 1_000_000 else { throw .invalidValue }
        self.init(sample: sample, followsParent: try reader.boolean())
    }
}
