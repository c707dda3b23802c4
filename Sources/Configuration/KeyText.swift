import Catalog

/// `key` of an endpoint: a secret, and so a reference. No message has what it stands for, nor what stands there instead of a
/// reference.
enum KeyText {
    static func read(_ field: Field, _ reading: Reading) -> Secret? {
        guard case .scalar(let raw) = field.value.content, References.isWhole(raw) else {
            reading.fault(
                field,
                field.isNull
                    ? "has no value"
                    : "must be one reference, ${file:/path} or ${env:NAME}: whoever reads this file would read the secret in it")
            return nil
        }
        return reading.value(field, secret)?.value
    }

    private static func secret(_ text: String) throws(Refusal) -> Secret {
        guard !text.isEmpty else { throw Refusal("stands for an empty text, which is no key") }
        guard text.utf8.count <= Limits.keyBytes else {
            throw Refusal("stands for a text longer than \(Limits.keyBytes >> 10) KiB, which is no key")
        }
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw Refusal("stands for a text with blanks or characters beyond ASCII, which no key has")
        }
        return Secret(text)
    }
}

/// `tls` of an endpoint.
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
