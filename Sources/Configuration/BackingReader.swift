import Catalog

/// `service` or `inferencePool` of an endpoint, and what else its URL would say.
struct BackingReader {
    static let keys = ["service", "port", "inferencePool", "scheme", "path"]
    private static let form = "write NAMESPACE/NAME"

    private enum Scheme: String, CaseIterable { case http, https }

    let fields: [String: Field]
    let reading: Reading

    /// nil after a fault in the name.
    func read() -> Located<Endpoint>? {
        let located: Located<Backing>?
        if let field = fields["inferencePool"] {
            for key in ["service", "port"] {
                if let other = fields[key] { reading.fault(other, "has no meaning with inferencePool, which says it all") }
            }
            located = reading.value(field) { text throws(Refusal) in try Self.backing(.inferencePool, text) }
        } else {
            located = fields["service"].flatMap { field in
                reading.value(field) { text throws(Refusal) in try Self.backing(.service, text) }
            }
        }
        if let located, !reading.hasCluster {
            reading.fault(located.field, "needs node.kubernetes, which says whose services are meant")
        }
        var port = ""
        reading.set(&port, fields["port"], Self.port)
        var scheme = Scheme.http
        reading.set(&scheme, fields["scheme"]) { text throws(Refusal) in try NameText.word(text, of: Scheme.self) }
        var prefix = ""
        reading.set(&prefix, fields["path"], EndpointText.prefix)
        guard let located else { return nil }
        var backing = located.value
        if backing.kind == .service { backing.port = port }
        return Located(
            value: Self.endpoint(backing, scheme, prefix), field: located.field, shown: quoted(backing.host + prefix))
    }

    /// Requests have the name that a service has in the cluster as their host; a pool has none, and gets the same.
    private static func endpoint(_ backing: Backing, _ scheme: Scheme, _ prefix: String) -> Endpoint {
        let name = "\(backing.name).\(backing.namespace).svc"
        let number = UInt16(backing.port)
        let usual: UInt16 = scheme == .http ? 80 : 443
        let authority = number.map { $0 == usual ? name : "\(name):\($0)" } ?? name
        return Endpoint(
            host: backing.host, port: number ?? 0, authority: authority, pathPrefix: prefix,
            tls: scheme == .https ? EndpointTLS(serverName: name) : nil, backing: backing)
    }

    private static func backing(_ kind: Backing.Kind, _ text: String) throws(Refusal) -> Backing {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { throw Refusal("is not a namespace and a name; \(form)") }
        guard isLabel(parts[0]) else { throw Refusal("has no namespace before its slash; \(form)") }
        let labels = kind == .service ? [parts[1]] : parts[1].split(separator: ".", omittingEmptySubsequences: false)
        let isName = parts[1].utf8.count <= 253 && labels.allSatisfy(isLabel)
        guard isName else { throw Refusal("has no name behind its slash; \(form)") }
        return Backing(kind, namespace: String(parts[0]), name: String(parts[1]))
    }

    /// The name of a port, or its number.
    private static func port(_ text: String) throws(Refusal) -> String {
        if NumberText.isAllDigits(text[...]) {
            guard let number = AddressText.port(text[...]) else { throw Refusal("is not a port from 1 to 65535") }
            return "\(number)"
        }
        guard isLabel(text[...]) else { throw Refusal("is neither the name of a port nor its number") }
        return text
    }

    /// RFC 1123, as names of Kubernetes are.
    private static func isLabel(_ text: Substring) -> Bool {
        (1...63).contains(text.utf8.count) && !text.hasPrefix("-") && !text.hasSuffix("-")
            && text.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") }
    }
}
