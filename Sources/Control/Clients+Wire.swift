import Catalog

extension Client: WireCoded {
    static var wireMinimum: Int { 4 * 8 + 2 + Allowance.wireMinimum + 1 }

    func write(to writer: inout WireWriter) {
        writer.write(name)
        writer.write(workloads)
        writer.write(allow)
        writer.write(deny)
        writer.write(keys)
        writer.write(tokens)
        writer.write(certificates)
        writer.write(allowance)
        writer.write(modelAllowances.sorted { $0.key < $1.key }.map { NamedAllowance(name: $0.key, allowance: $0.value) })
        writer.write(perSession)
        writer.write(perAddress)
        writer.write(group)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            name: try reader.text(), workloads: try reader.list(), allow: try reader.optionalList(), deny: try reader.list(),
            keys: try reader.list(), tokens: try reader.list(), certificates: try reader.list(), allowance: try reader.value(),
            modelAllowances: try Sorted.dictionary(of: try reader.list(of: NamedAllowance.self).map { ($0.name, $0.allowance) }),
            perSession: try reader.optional(), perAddress: try reader.optional(),
            group: try reader.text())
    }
}

extension AccessRule: WireCoded {
    static var wireMinimum: Int { 13 }

    func write(to writer: inout WireWriter) {
        writer.write(names)
        writer.write(operations.rawValue)
        writer.write(times)
        writer.write(name)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            names: try reader.list(), operations: Operations(rawValue: try reader.byte()), times: try reader.list(),
            name: try reader.text())
        guard Operations.all.isSuperset(of: operations) else { throw .invalidValue }
    }
}

extension TimeWindow: WireCoded {
    static var wireMinimum: Int { 5 }

    func write(to writer: inout WireWriter) {
        writer.write(days)
        writer.write(from)
        writer.write(to)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(days: try reader.byte(), from: try reader.integer(), to: try reader.integer())
    }
}

extension FirewallRule: WireCoded {
    static var wireMinimum: Int { 12 }

    func write(to writer: inout WireWriter) {
        writer.write(name)
        writer.write(method)
        writer.write(path)
        writer.write(model)
        writer.write(bodyAbove.map(Wide.init))
        writer.write(clients)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            name: try reader.text(), method: try reader.optional(), path: try reader.optional(), model: try reader.optional(),
            bodyAbove: try reader.optional(Wide.self)?.value, clients: try reader.list())
    }
}

/// A list of pairs sorted by their names, so that there is one form of it only, and no name stands twice.
enum Sorted {
    static func dictionary<Value>(of pairs: [(String, Value)]) throws(WireError) -> [String: Value] {
        var values: [String: Value] = [:]
        var last: String?
        for (name, value) in pairs {
            if let last, last >= name { throw .invalidValue }
            last = name
            values[name] = value
        }
        return values
    }
}
