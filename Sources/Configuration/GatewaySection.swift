import Catalog

/// `node.gateway`: addresses, or mappings of an address and what TLS needs there.
struct GatewaySection {
    private static let keys = KnownKeys(["listen", "tls"])
    private static let tlsKeys = KnownKeys(["certificate", "key", "clientCA", "clientCertificates"])
    private static let form = "write {listen: \"0.0.0.0:8443\", tls: {certificate: /path/tls.crt, key: /path/tls.key}}"

    private let reading: Reading
    /// All of them, in the order of the file, also where their TLS is faulty.
    private(set) var addresses: [Located<SocketAddress>] = []
    private(set) var plain: [SocketAddress] = []
    private(set) var secure: [SecureListener] = []

    private init(_ reading: Reading) { self.reading = reading }

    static func read(_ field: Field?, _ reading: Reading) -> GatewaySection {
        var section = GatewaySection(reading)
        let elements = reading.oneOrMore(field)
        if let field, elements.count > Limits.gateways {
            reading.fault(field, "has \(elements.count) addresses; at most \(Limits.gateways) are possible")
            return section
        }
        for element in elements { section.readEntrance(element) }
        return section
    }

    private mutating func readEntrance(_ element: Field) {
        guard case .mapping = element.value.content else {
            guard let address = reading.value(element, AddressText.socketAddress) else { return }
            addresses.append(address)
            return plain.append(address.value)
        }
        let fields = reading.members(element, Self.keys)
        if fields["listen"] == nil { reading.fault(element, "has no listen; \(Self.form)") }
        let address = fields["listen"].flatMap { reading.value($0, AddressText.socketAddress) }
        if let address { addresses.append(address) }
        guard let field = fields["tls"] else {
            if let address { plain.append(address.value) }
            return
        }
        if let listener = listener(field, address?.value) { secure.append(listener) }
    }

    /// Never a listener without what TLS needs. Read also without an address, for its faults.
    private func listener(_ field: Field, _ address: SocketAddress?) -> SecureListener? {
        let fields = reading.members(field, Self.tlsKeys)
        switch field.value.content {
        case .mapping, .null: break
        case .list, .scalar: return nil
        }
        for key in ["certificate", "key"] where fields[key] == nil { reading.fault(field, "has no \(key); \(Self.form)") }
        let certificate = fields["certificate"].flatMap { reading.value($0, FilePath.certificate) }
        let key = fields["key"].flatMap { reading.value($0, FilePath.certificate) }
        let authorities = fields["clientCA"].flatMap { reading.value($0, FilePath.certificate) }
        var asked: SecureListener.ClientCertificates = fields["clientCA"] == nil ? .off : .optional
        reading.set(&asked, fields["clientCertificates"]) { text throws(Refusal) in
            try NameText.word(text, of: SecureListener.ClientCertificates.self)
        }
        if asked != .off, fields["clientCA"] == nil, let field = fields["clientCertificates"] {
            reading.fault(field, "needs clientCA: the file of authorities whose certificates prove a caller")
        }
        guard let address, let certificate, let key else { return nil }
        return SecureListener(
            address: address, certificateFile: certificate.value, keyFile: key.value,
            clientAuthorityFile: authorities?.value, clientCertificates: asked)
    }
}
