import Catalog

/// `issuers`: whose JSON web tokens are believed.
struct IssuersSection {
    private static let keys = KnownKeys(["issuer", "audience", "algorithms", "keys", "leeway"])
    private static let sourceKeys = KnownKeys(["url", "refresh", "ca", "file", "secret"])

    private let reading: Reading
    /// Where each `iss` is given.
    private var seen: [String: Field] = [:]

    static func read(_ field: Field, _ reading: Reading) -> [Issuer] {
        let entries = reading.entries(field, form: "names, each with an issuer of tokens")
        guard entries.count <= Limits.issuers else {
            reading.fault(field, "has \(entries.count) issuers; at most \(Limits.issuers) are possible")
            return []
        }
        var section = IssuersSection(reading: reading)
        return entries.compactMap { entry in
            section.issuer(entry, Field(key: KeyPath.member(entry.key, of: field.key), line: entry.line, value: entry.value))
        }
    }

    private init(reading: Reading) { self.reading = reading }

    /// nil after a fault.
    private mutating func issuer(_ entry: YAMLEntry, _ field: Field) -> Issuer? {
        do throws(Refusal) {
            _ = try NameText.identifier(entry.key)
        } catch {
            reading.fault(field, "\(quoted(entry.key)) \(error.reason)")
        }
        let fields = reading.members(field, Self.keys)
        switch field.value.content {
        case .null, .mapping: break
        case .list, .scalar: return nil
        }
        let name = readName(field, fields)
        let audience = audience(fields["audience"])
        let algorithms = algorithms(field, fields)
        let keys = keys(field, fields)
        var leeway = 30_000
        reading.set(&leeway, fields["leeway"]) { text throws(Refusal) in
            try NumberText.milliseconds(text, in: 0...300_000, "from 0s to 5m")
        }
        guard let name, let keys else { return nil }
        checkKinds(algorithms, keys, fields["algorithms"] ?? field)
        return Issuer(
            name: entry.key, issuer: name, audience: audience, algorithms: algorithms.map(\.value), keys: keys,
            leeway: leeway / 1_000)
    }

    private mutating func readName(_ field: Field, _ fields: [String: Field]) -> String? {
        guard let given = fields["issuer"] else {
            reading.fault(field, "has no issuer; write what the tokens have as iss, as https://sso.example")
            return nil
        }
        guard let name = reading.value(given, Self.text) else { return nil }
        if let first = seen[name.value] {
            reading.fault(given, "\(name.shown) is an issuer already, \(first.key) on line \(first.line)")
        }
        seen[name.value] = seen[name.value] ?? given
        return name.value
    }

    /// An empty list would say that nothing is right, and be taken as that everything is.
    private func audience(_ field: Field?) -> [String] {
        guard let field else { return [] }
        if field.isNull || field.isEmptyList { reading.fault(field, "names no audience; leave it out to take any") }
        return reading.values(field, Self.text).map(\.value)
    }

    private func algorithms(_ field: Field, _ fields: [String: Field]) -> [Located<Issuer.Algorithm>] {
        let list = reading.values(fields["algorithms"]) { text throws(Refusal) in
            guard let algorithm = Issuer.Algorithm(rawValue: text) else {
                let known = Issuer.Algorithm.allCases.map(\.rawValue)
                throw Refusal("is not \(known.joined(separator: " or "))")
            }
            return algorithm
        }
        let given = fields["algorithms"]
        if given == nil || given?.isNull == true || given?.isEmptyList == true {
            reading.fault(given ?? field, "has no algorithms; write those that its tokens are signed with, as [RS256]")
        }
        return list
    }

    /// Exactly one of `url`, `file` and `secret`.
    private func keys(_ field: Field, _ fields: [String: Field]) -> Issuer.Keys? {
        let form = "write keys: {url: \"https://…/jwks.json\"}, {file: /path} or {secret: \"${file:/path}\"}"
        guard let given = fields["keys"] else {
            reading.fault(field, "has no keys; \(form)")
            return nil
        }
        let members = reading.members(given, Self.sourceKeys)
        switch given.value.content {
        case .null, .mapping: break
        case .list, .scalar: return nil
        }
        let sources = ["url", "file", "secret"].filter { members[$0] != nil }
        guard sources.count == 1, let source = sources.first, let value = members[source] else {
            reading.fault(given, "needs exactly one of url, file and secret; \(form)")
            return nil
        }
        if source != "url" {
            for key in ["refresh", "ca"] {
                if let field = members[key] { reading.fault(field, "has no meaning without url; leave it out") }
            }
        }
        switch source {
        case "url": return url(value, members)
        case "file": return reading.value(value, FilePath.certificate).map { .file($0.value) }
        default: return SecretText.read(value, reading, SecretText.signing).map { .secret($0) }
        }
    }

    private func url(_ field: Field, _ members: [String: Field]) -> Issuer.Keys? {
        var refresh = 600_000
        reading.set(&refresh, members["refresh"]) { text throws(Refusal) in
            try NumberText.milliseconds(text, in: 1_000...86_400_000, "from 1s to 24h")
        }
        let authorities = members["ca"].flatMap { reading.value($0, CertificateText.authorities) }
        let url = reading.value(field) { text throws(Refusal) in
            try ServiceURL.read(text, because: "whoever is on the way could put keys of its own in it")
        }
        guard let url else { return nil }
        if let field = members["ca"], !ServiceURL.isSecure(url.value) {
            reading.fault(field, "has no meaning with an http URL; leave it out")
        }
        return .url(url.value, refresh: refresh / 1_000, caFile: authorities?.value)
    }

    /// A public key that is taken for a secret is the oldest trick there is.
    private func checkKinds(_ algorithms: [Located<Issuer.Algorithm>], _ keys: Issuer.Keys, _ field: Field) {
        let isSecret = if case .secret = keys { true } else { false }
        for algorithm in algorithms where (algorithm.value == .hs256) != isSecret {
            let reason = isSecret ? "cannot be checked with a secret, which only HS256 has" : "needs keys: {secret: …}"
            reading.fault(algorithm.field, "\(algorithm.shown) \(reason)")
        }
    }

    private static func text(_ text: String) throws(Refusal) -> String {
        guard (1...1_024).contains(text.utf8.count) else { throw Refusal("is not 1 to 1024 bytes long") }
        return text
    }
}
