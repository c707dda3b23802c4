import Catalog

extension IPAddress: WireCoded {
    static var wireMinimum: Int { 5 }

    func write(to writer: inout WireWriter) {
        writer.write(family.rawValue)
        for index in 0..<bitWidth / 8 { writer.write(byte(index)) }
    }

    init(from reader: inout WireReader) throws(WireError) {
        let family = try reader.tagged(Family.self)
        self.init(family: family, bytes: try reader.take(family == .v4 ? 4 : 16))
    }
}

extension SocketAddress: WireCoded {
    static var wireMinimum: Int { IPAddress.wireMinimum + 2 }

    func write(to writer: inout WireWriter) {
        writer.write(ip)
        writer.write(port)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(ip: try reader.value(), port: try reader.integer())
    }
}

extension Destination: WireCoded {
    static var wireMinimum: Int { IPAddress.wireMinimum + 3 }

    func write(to writer: inout WireWriter) {
        writer.write(network.address)
        writer.write(UInt8(clamping: network.prefixLength))
        writer.write(port)
    }

    init(from reader: inout WireReader) throws(WireError) {
        let network = CIDR(address: try reader.value(), prefixLength: Int(try reader.byte()))
        guard let network else { throw .invalidValue }
        self.init(network: network, port: try reader.integer())
    }
}

extension CaptureRule: WireCoded {
    static var wireMinimum: Int { 14 }

    func write(to writer: inout WireWriter) {
        writer.write(name)
        writer.write(to)
        writer.write(caseOf: path)
        writer.write(caseOf: whenProxyDown)
        writer.write(caseOf: unknown)
        writer.write(caseOf: opaque)
        writer.write(model)
        writer.write(caseOf: onConflict)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            name: try reader.text(), to: try reader.list(), path: try reader.caseOf(), whenProxyDown: try reader.caseOf(),
            unknown: try reader.caseOf(), opaque: try reader.caseOf(), model: try reader.optional(),
            onConflict: try reader.caseOf())
    }
}

extension Timeouts: WireCoded {
    static var wireMinimum: Int { 56 }

    func write(to writer: inout WireWriter) {
        for value in [head, bodyIdle, keepAlive, connect, response, upstreamIdle, sniff] { writer.write(natural: value) }
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            head: try reader.natural(), bodyIdle: try reader.natural(), keepAlive: try reader.natural(),
            connect: try reader.natural(), response: try reader.natural(), upstreamIdle: try reader.natural(),
            sniff: try reader.natural())
    }
}

extension Node: WireCoded {
    static var wireMinimum: Int { 4 + 1 + 16 + SocketAddress.wireMinimum + 1 + 4 + 8 + Timeouts.wireMinimum + 16 }

    func write(to writer: inout WireWriter) {
        writer.write(cgroup)
        writer.write(brokerCgroup)
        writer.write(listen)
        writer.write(podAddresses)
        writer.write(gateway)
        writer.write(secureGateway)
        writer.write(admin)
        writer.write(caseOf: proxy)
        writer.write(user)
        writer.write(natural: workers)
        writer.write(timeouts)
        writer.write(natural: drain)
        writer.write(natural: maxBody)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            cgroup: try reader.text(), brokerCgroup: try reader.optional(), listen: try reader.list(),
            podAddresses: try reader.list(), gateway: try reader.list(), secureGateway: try reader.list(),
            admin: try reader.value(), proxy: try reader.caseOf(), user: try reader.text(), workers: try reader.natural(),
            timeouts: try reader.value(), drain: try reader.natural(), maxBody: try reader.natural())
    }
}

extension Catalog: WireCoded {
    static var wireMinimum: Int { Node.wireMinimum + 20 + Authentication.wireMinimum + 9 }

    func write(to writer: inout WireWriter) {
        writer.write(node)
        writer.write(rules)
        writer.write(models)
        writer.write(clients)
        writer.write(pools)
        writer.write(capabilities)
        writer.write(authentication)
        writer.write(firewall)
        writer.write(audit)
        writer.write(groups)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            node: try reader.value(), rules: try reader.list(), models: try reader.list(), clients: try reader.list(),
            pools: try reader.list(), capabilities: try reader.list(), authentication: try reader.value(),
            firewall: try reader.list(), audit: try reader.optional(), groups: try reader.list())
    }
}
