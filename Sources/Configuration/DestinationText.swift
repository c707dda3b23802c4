import Catalog

/// What a capture rule takes: `10.0.0.0/8:8000`, `10.1.2.3:80`, `[fd00::/8]:*`.
enum DestinationText {
    private static let form = "write CIDR:PORT or ADDRESS:PORT, as 10.0.0.0/8:8000, 10.1.2.3:80 or [fd00::/8]:*"

    static func destination(_ text: String) throws(Refusal) -> Destination {
        let parts = try AddressText.split(text, form)
        let port = try port(parts.port)
        let network = try network(parts.host, bracketed: parts.bracketed, port: port)
        return Destination(network: network, port: port)
    }

    private static func port(_ text: Substring) throws(Refusal) -> UInt16 {
        if text == "*" { return 0 }
        guard let port = AddressText.port(text) else { throw Refusal("has no port from 1 to 65535 and no *; \(form)") }
        return port
    }

    private static func network(_ text: Substring, bracketed: Bool, port: UInt16) throws(Refusal) -> CIDR {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(String(parts[0])), (address.family == .v6) == bracketed else {
            throw Refusal("has no literal \(bracketed ? "IPv6" : "IPv4") address; \(form)")
        }
        let prefix = parts.count == 1 ? address.bitWidth : NumberText.digits(parts[1])
        guard let prefix, prefix <= address.bitWidth else {
            throw Refusal("has no prefix length from 0 to \(address.bitWidth); \(form)")
        }
        if let plain = address.unmapped, prefix >= 96, let network = block(plain, prefix - 96) {
            let correction = Destination(network: network, port: port).description
            throw Refusal("is an IPv4 block in IPv6 form, which the kernel treats as IPv4", write: correction)
        }
        if let network = CIDR(address: address, prefixLength: prefix) { return network }
        let correction = block(address, prefix).map { Destination(network: $0, port: port).description }
        throw Refusal("has host bits set", write: correction)
    }

    private static func block(_ address: IPAddress, _ prefix: Int) -> CIDR? {
        CIDR(address: address.masked(to: prefix), prefixLength: prefix)
    }
}
