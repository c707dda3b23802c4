package import Catalog

/// What proves the broker to its callers, and them to it, as far as it does not stand in the configuration itself: the agent
/// reads it from files, fetches it, or was given it, and keeps the last good one.
package struct Credentials: Hashable, Sendable {
    package var keySets: [KeySet]
    package var certificates: [ListenerCertificate]
    /// Keys that were made with `key new`.
    package var keys: [ManagedKey]

    package init(keySets: [KeySet] = [], certificates: [ListenerCertificate] = [], keys: [ManagedKey] = []) {
        self.keySets = keySets
        self.certificates = certificates
        self.keys = keys
    }
}

/// What an issuer's signatures are checked with.
package struct KeySet: Hashable, Sendable {
    package enum Form: UInt8, Hashable, Sendable, CaseIterable {
        /// A JSON web key set.
        case jwks = 0
        /// PEM public keys, one after the other.
        case pem = 1
        /// The secret of HS256 itself.
        case secret = 2
    }

    /// The issuer's name in the configuration.
    package var issuer: String
    package var form: Form
    package var document: Secret

    package init(issuer: String, form: Form, document: Secret) {
        self.issuer = issuer
        self.form = form
        self.document = document
    }
}

/// What a listener with TLS shows, and asks for; all PEM.
package struct ListenerCertificate: Hashable, Sendable {
    package var address: SocketAddress
    package var chain: String
    package var key: Secret
    /// nil: callers are not asked for certificates.
    package var clientAuthorities: String?

    package init(address: SocketAddress, chain: String, key: Secret, clientAuthorities: String? = nil) {
        self.address = address
        self.chain = chain
        self.key = key
        self.clientAuthorities = clientAuthorities
    }
}

/// A key that `key new` made for a client.
package struct ManagedKey: Hashable, Sendable {
    package var client: String
    package var key: APIKey

    package init(client: String, key: APIKey) {
        self.client = client
        self.key = key
    }
}

extension Credentials: WireCoded {
    static var wireMinimum: Int { 12 }

    func write(to writer: inout WireWriter) {
        writer.write(keySets)
        writer.write(certificates)
        writer.write(keys)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(keySets: try reader.list(), certificates: try reader.list(), keys: try reader.list())
    }
}

extension KeySet: WireCoded {
    static var wireMinimum: Int { 9 }

    func write(to writer: inout WireWriter) {
        writer.write(issuer)
        writer.write(form.rawValue)
        writer.write(document.reveal)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(issuer: try reader.text(), form: try reader.tagged(), document: Secret(try reader.text()))
    }
}

extension ListenerCertificate: WireCoded {
    static var wireMinimum: Int { SocketAddress.wireMinimum + 9 }

    func write(to writer: inout WireWriter) {
        writer.write(address)
        writer.write(chain)
        writer.write(key.reveal)
        writer.write(clientAuthorities)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(
            address: try reader.value(), chain: try reader.text(), key: Secret(try reader.text()),
            clientAuthorities: try reader.optional())
    }
}

extension ManagedKey: WireCoded {
    static var wireMinimum: Int { 4 + APIKey.wireMinimum }

    func write(to writer: inout WireWriter) {
        writer.write(client)
        writer.write(key)
    }

    init(from reader: inout WireReader) throws(WireError) {
        self.init(client: try reader.text(), key: try reader.value())
    }
}
