import Catalog

/// `audit`: what is written down of each decision, and where.
struct AuditSection {
    private static let keys = KnownKeys(["level", "file", "stdout", "webhook", "maxBody"])
    private static let fileKeys = KnownKeys(["path", "size", "keep"])
    private static let webhookKeys = KnownKeys(["url", "authorization", "ca"])
    private static let form =
        "write file: {path: /var/log/modelbroker/audit.jsonl}, stdout: true or webhook: {url: \"https://…\"}"

    private let reading: Reading

    /// nil: nothing is written down, or after a fault.
    static func read(_ field: Field, _ reading: Reading) -> Audit? {
        guard !field.isNull else { return nil }
        let fields = reading.members(field, keys)
        guard case .mapping = field.value.content else { return nil }
        let section = AuditSection(reading: reading)
        let sinks = section.sinks(fields)
        let given = ["file", "stdout", "webhook"].filter { fields[$0] != nil && !section.isFalse(fields[$0]) }
        if given.count != 1 { reading.fault(field, "needs exactly one of file, stdout and webhook; \(form)") }
        var audit = sinks.first.map { Audit(sink: $0) } ?? Audit(sink: .standardOutput)
        reading.set(&audit.level, fields["level"]) { text throws(Refusal) in try NameText.word(text, of: Audit.Level.self) }
        reading.set(&audit.bodyLimit, fields["maxBody"]) { text throws(Refusal) in
            try NumberText.bytes(text, in: 0...Limits.auditBody, "from 0 to 1MiB")
        }
        return sinks.isEmpty ? nil : audit
    }

    private func isFalse(_ field: Field?) -> Bool {
        if case .scalar("false") = field?.value.content { true } else { false }
    }

    private func sinks(_ fields: [String: Field]) -> [Audit.Sink] {
        var sinks = [fields["file"].flatMap(file), fields["webhook"].flatMap(webhook)].compactMap(\.self)
        if let field = fields["stdout"], reading.value(field, NameText.truth)?.value == true { sinks.append(.standardOutput) }
        return sinks
    }

    /// A path by itself, or a mapping.
    private func file(_ field: Field) -> Audit.Sink? {
        var (size, keep) = (100 << 20, 5)
        guard case .mapping = field.value.content else {
            return reading.value(field, FilePath.output).map { .file($0.value, size: UInt64(size), keep: keep) }
        }
        let fields = reading.members(field, Self.fileKeys)
        if fields["path"] == nil {
            reading.fault(field, "has no path; write {path: /var/log/modelbroker/audit.jsonl, size: 100MiB, keep: 5}")
        }
        let path = fields["path"].flatMap { reading.value($0, FilePath.output) }
        reading.set(&size, fields["size"]) { text throws(Refusal) in
            try NumberText.bytes(text, in: 64 << 10...1 << 40, "from 64KiB to 1024GiB")
        }
        reading.set(&keep, fields["keep"]) { text throws(Refusal) in try NumberText.integer(text, in: 0...1_000) }
        return path.map { .file($0.value, size: UInt64(size), keep: keep) }
    }

    private func webhook(_ field: Field) -> Audit.Sink? {
        let fields = reading.members(field, Self.webhookKeys)
        switch field.value.content {
        case .null, .mapping: break
        case .list, .scalar: return nil
        }
        if fields["url"] == nil { reading.fault(field, "has no url; write {url: \"https://collector.example/audit\"}") }
        let authorization = fields["authorization"].flatMap { SecretText.read($0, reading, SecretText.header) }
        let authorities = fields["ca"].flatMap { reading.value($0, CertificateText.authorities) }
        let url = fields["url"].flatMap { field in
            reading.value(field) { text throws(Refusal) in
                try ServiceURL.read(
                    text, allowsPlain: fields["authorization"] == nil, because: "authorization would go there for all to read")
            }
        }
        guard let url else { return nil }
        if let field = fields["ca"], !ServiceURL.isSecure(url.value) {
            reading.fault(field, "has no meaning with an http URL; leave it out")
        }
        return .webhook(url.value, authorization: authorization, caFile: authorities?.value)
    }
}
