import Catalog

/// The members that every web server has which the agent tells something by itself: where it is, what it asks for, how long
/// it may take, and how much may wait for it.
struct WebTargetReader {
    static let keys = ["headers", "ca", "timeout", "buffer"]
    /// Headers whose values are secrets, by their names or a part of them.
    private static let secretNames = ["authorization", "cookie", "key", "secret", "token", "password"]
    /// Those that every request has already, or that say how it is sent.
    private static let ownNames = [
        "host", "content-length", "content-type", "content-encoding", "transfer-encoding", "connection", "user-agent", "accept",
        "te", "upgrade", "trailer", "expect", "keep-alive", "x-prometheus-remote-write-version",
    ]

    private let reading: Reading

    /// - Parameters:
    ///   - urlKey: the member with the URL.
    ///   - example: of a URL, for the fault that there is none.
    static func read(
        _ field: Field, _ fields: [String: Field], urlKey: String, example: String, _ reading: Reading
    ) -> WebTarget? {
        let reader = WebTargetReader(reading: reading)
        let headers = fields["headers"].map { reader.headers($0) } ?? []
        if fields[urlKey] == nil { reading.fault(field, "has no \(urlKey); write \(urlKey): \"\(example)\"") }
        let url = fields[urlKey].flatMap { field in
            reading.value(field) { text throws(Refusal) in
                try ServiceURL.read(
                    text, allowsPlain: fields["headers"] == nil, because: "headers would go there for all to read")
            }
        }
        var target = WebTarget(url: url?.value ?? "", headers: headers)
        target.caFile = fields["ca"].flatMap { reading.value($0, CertificateText.authorities)?.value }
        if let field = fields["ca"], let url, !ServiceURL.isSecure(url.value) {
            reading.fault(field, "has no meaning with an http URL; leave it out")
        }
        reading.set(&target.timeout, fields["timeout"]) { text throws(Refusal) in
            try NumberText.milliseconds(text, in: 100...120_000, "from 100ms to 2m")
        }
        reading.set(&target.buffer, fields["buffer"]) { text throws(Refusal) in
            try NumberText.bytes(text, in: 64 << 10...1 << 30, "from 64KiB to 1GiB")
        }
        return url == nil ? nil : target
    }

    /// Values of headers that carry secrets are references, others may stand there.
    private func headers(_ field: Field) -> [WebTarget.Header] {
        let entries = reading.entries(field, form: "headers, as {Authorization: \"${file:/path}\"}")
        guard entries.count <= Limits.webHeaders else {
            reading.fault(field, "has \(entries.count) headers; at most \(Limits.webHeaders) are possible")
            return []
        }
        var headers: [WebTarget.Header] = []
        for entry in entries {
            let member = Field(key: KeyPath.member(entry.key, of: field.key), line: entry.line, value: entry.value)
            guard Self.isName(entry.key) else {
                reading.fault(member, "\(quoted(entry.key)) is not the name of a header")
                continue
            }
            let name = entry.key.lowercased()
            guard !Self.ownNames.contains(name) else {
                reading.fault(member, "is a header that the broker sets itself")
                continue
            }
            let isSecret = Self.secretNames.contains { name.contains($0) }
            let value =
                isSecret
                ? SecretText.read(member, reading, SecretText.header) : reading.value(member, SecretText.header)?.value
            if let value { headers.append(WebTarget.Header(name: entry.key, value: value)) }
        }
        return headers
    }

    private static func isName(_ text: String) -> Bool {
        let marks = Array("-_.!#$%&'*+^`|~".utf8)
        return !text.isEmpty && text.utf8.count <= 64
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || marks.contains(byte)
            }
    }
}
