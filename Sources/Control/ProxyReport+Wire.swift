extension ProxyQuery: WireCoded {
    static var wireMinimum: Int { 1 }

    func write(to writer: inout WireWriter) {
        switch self {
        case .statistics: writer.write(UInt8(1))
        case .flows: writer.write(UInt8(2))
        case .routing: writer.write(UInt8(3))
        case .explain(let query):
            writer.write(UInt8(4))
            writer.write(query)
        case .rotate(let name):
            writer.write(UInt8(5))
            writer.write(name)
        case .queues: writer.write(UInt8(6))
        }
    }

    init(from reader: inout WireReader) throws(WireError) {
        switch try reader.byte() {
        case 1: self = .statistics
        case 2: self = .flows
        case 3: self = .routing
        case 4: self = .explain(try reader.value())
        case 5: self = .rotate(try reader.text())
        case 6: self = .queues
        default: throw .invalidValue
        }
    }
}

extension ProxyReport: WireCoded {
    static var wireMinimum: Int { 3 }

    func write(to writer: inout WireWriter) {
        switch self {
        case .statistics(let statistics):
            writer.write(UInt8(1))
            writer.write(statistics)
        case .flows(let flows):
            writer.write(UInt8(2))
            writer.write(flows)
        case .routing(let endpoints, let routes):
            writer.write(UInt8(3))
            writer.write(endpoints)
            writer.write(routes)
        case .explanation(let decision):
            writer.write(UInt8(4))
            writer.write(decision)
        case .rotated(let from, let to):
            writer.write(UInt8(5))
            writer.write(from)
            writer.write(to)
        case .queues(let queues):
            writer.write(UInt8(6))
            writer.write(queues)
        }
    }

    init(from reader: inout WireReader) throws(WireError) {
        switch try reader.byte() {
        case 1: self = .statistics(try reader.value())
        case 2: self = .flows(try reader.list())
        case 3: self = .routing(try reader.list(), try reader.list())
        case 4: self = .explanation(try reader.value())
        case 5: self = .rotated(from: try reader.optional(), to: try reader.optional())
        case 6: self = .queues(try reader.list())
        default: throw .invalidValue
        }
    }
}
