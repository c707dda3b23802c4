import Catalog

/// `tls` of an endpoint, and files of authorities.
enum CertificateText {
    /// A host name, or a literal address without brackets.
    static func serverName(_ text: String) throws(Refusal) -> String {
        if let address = IPAddress(text) { return address.description }
        try HostName.check(text[...])
        return text.lowercased()
    }

    /// The path of a file of certificates in PEM.
    static func authorities(_ path: String) throws(Refusal) -> String {
        guard path.hasPrefix("/") else { throw Refusal("is not an absolute path") }
        let bytes = try BoundedFile.read(path, limit: Limits.certificateBytes)
        guard String(decoding: bytes, as: UTF8.self).contains("-----BEGIN CERTIFICATE-----") else {
            throw Refusal("has no certificate in PEM")
        }
        return path
    }
}
