import Catalog

/// The form of messages between agent and proxy: one byte of version, one that names the message, then its values in
/// order. A message has one encoding only, and bytes that are not exactly one are refused.
package enum Wire {
    /// Raised by every change of what a message holds or means, since an agent may find a proxy of another build.
    package static let version: UInt8 = 5
    /// Bytes of the largest message.
    package static let frameLimit = 64 << 20

    static func encode(tag: UInt8, _ body: (inout WireWriter) -> Void) -> [UInt8] {
        var writer = WireWriter()
        writer.write(version)
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
}

extension AgentMessage {
    /// The message without its length.
    package func encoded() -> [UInt8] {
        switch self {
        case .welcome(let settings): Wire.encode(tag: 1) { $0.write(settings) }
        case .configure(let settings): Wire.encode(tag: 2) { $0.write(settings) }
        case .query(let id, let query):
            Wire.encode(tag: 3) { writer in
                writer.write(id)
                writer.write(query)
            }
        case .stop(let deadline): Wire.encode(tag: 4) { $0.write(deadline) }
        case .standings(let standings): Wire.encode(tag: 5) { $0.write(standings) }
        case .watchDecisions(let wanted): Wire.encode(tag: 6) { $0.write(wanted) }
        case .auditSink(let isOpen): Wire.encode(tag: 7) { $0.write(isOpen) }
        }
    }

    /// Reads what `encoded` made; anything else is refused.
    package init(decoding payload: [UInt8]) throws(WireError) {
        self = try Wire.decode(payload) { tag, reader throws(WireError) in
            switch tag {
            case 1: .welcome(try reader.value())
            case 2: .configure(try reader.value())
            case 3: .query(id: try reader.integer(), try reader.value())
            case 4: .stop(deadlineMilliseconds: try reader.integer())
            case 5: .standings(try reader.list())
            case 6: .watchDecisions(try reader.boolean())
            case 7: .auditSink(try reader.boolean())
            default: throw .unknownTag(tag)
            }
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
        }
    }

    /// Reads what `encoded` made; anything else is refused.
    package init(decoding payload: [UInt8]) throws(WireError) {
        self = try Wire.decode(payload) { tag, reader throws(WireError) in
            switch tag {
            case 129: .hello(try reader.value())
            case 130: .applied(generation: try reader.integer())
            case 131: .rejected(generation: try reader.integer(), reason: try reader.text())
            case 132: .report(id: try reader.integer(), try reader.value())
            case 133: .event(try reader.value())
            case 134: .wanted(try reader.list())
            default: throw .unknownTag(tag)
            }
        }
    }
}

extension ProxySettings: WireCoded {
    static var wireMinimum: Int { 24 + Catalog.wireMinimum + Credentials.wireMinimum }

    func write(to writer: inout WireWriter) {
        writer.write(generation)
        writer.write(catalog)
        writer.write(hostNetnsCookie)
        writer.write(slots)
        writer.write(credentials)
        writer.write(accountSlots)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            generation: try reader.integer(), catalog: try reader.value(), hostNetnsCookie: try reader.integer(),
            slots: try reader.list(), credentials: try reader.value(), accountSlots: try reader.list())
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
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            pid: try reader.integer(), version: try reader.text(), abi: try reader.integer(), generation: try reader.integer())
    }
}
