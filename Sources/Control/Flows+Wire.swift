import Catalog

extension FlowRecord: WireCoded {
    static var wireMinimum: Int { 8 + 1 + 1 + 4 + 4 + 4 + 8 + 8 + 2 * SocketAddress.wireMinimum + 4 + 4 + 4 + 1 + 4 * 8 }

    func write(to writer: inout WireWriter) {
        writer.write(id)
        writer.write(entrance.rawValue)
        writer.write(state.rawValue)
        writer.write(pid)
        writer.write(uid)
        writer.write(command)
        writer.write(cgroup)
        writer.write(netnsCookie)
        writer.write(caller)
        writer.write(dialled)
        writer.write(rule)
        writer.write(client)
        writer.write(model)
        writer.write(endpoint)
        writer.write(requests)
        writer.write(bytesIn)
        writer.write(bytesOut)
        writer.write(ageMilliseconds)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            id: try reader.integer(), entrance: try reader.tagged(), state: try reader.tagged(), pid: try reader.integer(),
            uid: try reader.integer(), command: try reader.text(), cgroup: try reader.integer(),
            netnsCookie: try reader.integer(), caller: try reader.value(), dialled: try reader.value(),
            rule: try reader.integer(), client: try reader.text(), model: try reader.text(), endpoint: try reader.optional(),
            requests: try reader.integer(), bytesIn: try reader.integer(), bytesOut: try reader.integer(),
            ageMilliseconds: try reader.integer())
    }
}

extension ProxyEvent: WireCoded {
    static var wireMinimum: Int { 1 + 4 + 4 + 4 + 8 + 1 + 4 + 4 + 8 }

    func write(to writer: inout WireWriter) {
        writer.write(kind.rawValue)
        writer.write(model)
        writer.write(client)
        writer.write(pid)
        writer.write(cgroup)
        writer.write(address)
        writer.write(reason)
        writer.write(detail)
        writer.write(leftOut)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            kind: try reader.tagged(), model: try reader.text(), client: try reader.text(), pid: try reader.integer(),
            cgroup: try reader.integer(), address: try reader.optional(), reason: try reader.text(), detail: try reader.text(),
            leftOut: try reader.integer())
    }
}
