import Catalog

extension Authentication: WireCoded {
    static var wireMinimum: Int { 5 }

    func write(to writer: inout WireWriter) {
        switch anonymous {
        case .open: writer.write(UInt8(1))
        case .deny: writer.write(UInt8(2))
        case .client(let name):
            writer.write(UInt8(3))
            writer.write(name)
        }
        writer.write(issuers)
    }

    init(from reader: inout WireReader) throws(WireError) {
        let anonymous: Anonymous
        switch try reader.byte() {
        case 1: anonymous = .open
        case 2: anonymous = .deny
        case 3: anonymous = .client(try reader.text())
        default: throw .invalidValue
        }
        self.init(anonymous: anonymous, issuers: try reader.list())
    }
}

/// Without its keys, which come as a document (`KeySet`): the agent reads and fetches them.
extension Issuer: WireCoded {
    static var wireMinimum: Int { 24 }

    func write(to writer: inout WireWriter) {
        writer.write(name)
        writer.write(issuer)
        writer.write(audience)
        writer.write(algorithms.map(\.rawValue))
        writer.write(natural: leeway)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            name: try reader.text(), issuer: try reader.text(), audience: try reader.list(),
            algorithms: try Self.algorithms(from: &reader), keys: .file(""), leeway: try reader.natural())
    }

    private static func algorithms(from reader: inout WireReader) throws(WireError) -> [Algorithm] {
        var algorithms: [Algorithm] = []
        for name in try reader.list(of: String.self) {
            guard let algorithm = Algorithm(rawValue: name) else { throw .invalidValue }
            algorithms.append(algorithm)
        }
        return algorithms
    }
}

extension TokenMatch: WireCoded {
    static var wireMinimum: Int { 8 }

    func write(to writer: inout WireWriter) {
        writer.write(issuer)
        writer.write(claims.sorted { $0.key < $1.key }.map { Claim(name: $0.key, patterns: $0.value) })
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            issuer: try reader.text(),
            claims: try Sorted.dictionary(of: try reader.list(of: Claim.self).map { ($0.name, $0.patterns) }))
    }
}

private struct Claim: WireCoded {
    let name: String
    let patterns: [String]

    init(name: String, patterns: [String]) {
        self.name = name
        self.patterns = patterns
    }

    static var wireMinimum: Int { 8 }

    func write(to writer: inout WireWriter) {
        writer.write(name)
        writer.write(patterns)
    }

    init(from reader: inout WireReader) throws(WireError) {
        name = try reader.text()
        patterns = try reader.list()
    }
}

extension APIKey: WireCoded {
    static var wireMinimum: Int { 14 }

    func write(to writer: inout WireWriter) {
        writer.write(id)
        writer.write(sized: salt)
        writer.write(sized: digest)
        writer.write(notBefore.map { Wide(UInt64(bitPattern: $0)) })
        writer.write(expires.map { Wide(UInt64(bitPattern: $0)) })
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            id: try reader.text(), salt: try reader.sized(), digest: try reader.sized(),
            notBefore: try reader.optional(Wide.self).map { Int64(bitPattern: $0.value) },
            expires: try reader.optional(Wide.self).map { Int64(bitPattern: $0.value) })
    }
}

extension SecureListener: WireCoded {
    static var wireMinimum: Int { SocketAddress.wireMinimum + 10 }

    func write(to writer: inout WireWriter) {
        writer.write(address)
        writer.write(certificateFile)
        writer.write(keyFile)
        writer.write(clientAuthorityFile)
        writer.write(caseOf: clientCertificates)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            address: try reader.value(), certificateFile: try reader.text(), keyFile: try reader.text(),
            clientAuthorityFile: try reader.optional(), clientCertificates: try reader.caseOf())
    }
}

/// Without its sink: lines go to the descriptor that the agent sends.
extension Audit: WireCoded {
    static var wireMinimum: Int { 9 }

    func write(to writer: inout WireWriter) {
        writer.write(caseOf: level)
        writer.write(natural: bodyLimit)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(level: try reader.caseOf(), sink: .standardOutput, bodyLimit: try reader.natural())
    }
}
