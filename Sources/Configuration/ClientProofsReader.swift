import Catalog
import Identity

/// How a client proves itself without a key: by its workload, by tokens, by certificates.
struct ClientProofsReader {
    private static let tokenKeys = KnownKeys(["issuer", "claims"])
    private static let tokenForm = "write {issuer: NAME, claims: {sub: checkout}}"

    let issuers: NameList
    let reading: Reading

    func workloads(_ field: Field?, _ ledger: inout ClientLedger) -> [String] {
        reading.values(field, Self.workload).map { located in
            if let first = ledger.take(workload: located.value, located.field) {
                let message = "\(located.shown) is a workload already, \(first.key) on line \(first.line)"
                reading.fault(located.field, message + ": a workload belongs to one client")
            }
            return located.value
        }
    }

    private static func workload(_ text: String) throws(Refusal) -> String {
        do throws(WorkloadPatternError) {
            _ = try WorkloadPattern(text)
            return text
        } catch {
            throw Refusal("\(error)")
        }
    }

    func certificates(_ field: Field?, _ ledger: inout ClientLedger) -> [String] {
        let patterns = reading.values(field, Self.certificate)
        if let field, patterns.count > Limits.certificates {
            reading.fault(field, "has \(patterns.count) patterns; at most \(Limits.certificates) are possible")
        }
        return patterns.map { located in
            if let first = ledger.take(certificate: located.value, located.field) {
                let message = "\(located.shown) is a certificate already, \(first.key) on line \(first.line)"
                reading.fault(located.field, message + ": a certificate belongs to one client")
            }
            return located.value
        }
    }

    private static func certificate(_ text: String) throws(Refusal) -> String {
        if let fault = CertificatePattern.fault(of: text) { throw Refusal(fault) }
        return text
    }

    func tokens(_ field: Field?) -> [TokenMatch] {
        let elements = reading.oneOrMore(field)
        if let field, elements.count > Limits.tokens {
            reading.fault(field, "has \(elements.count) entries; at most \(Limits.tokens) are possible")
            return []
        }
        return elements.compactMap(token)
    }

    private func token(_ element: Field) -> TokenMatch? {
        if element.isNull {
            reading.fault(element, "is empty; \(Self.tokenForm)")
            return nil
        }
        let fields = reading.members(element, Self.tokenKeys)
        guard case .mapping = element.value.content else { return nil }
        if fields["issuer"] == nil { reading.fault(element, "has no issuer; \(Self.tokenForm)") }
        let issuer = fields["issuer"].flatMap { field in
            reading.value(field) { text throws(Refusal) in try issuers.name(text) }
        }
        let claims = fields["claims"].map(claims) ?? [:]
        if fields["claims"] == nil {
            reading.fault(
                element, "has no claims, so that everybody whom the issuer knows would be this client; \(Self.tokenForm)")
        }
        guard let issuer, !claims.isEmpty else { return nil }
        return TokenMatch(issuer: issuer.value, claims: claims)
    }

    private func claims(_ field: Field) -> [String: [String]] {
        let entries = reading.entries(field, form: "claims, as {sub: checkout}")
        if field.isNull || entries.isEmpty, !isOther(field) {
            reading.fault(field, "names no claim, so that everybody whom the issuer knows would be this client")
        }
        guard entries.count <= Limits.claims else {
            reading.fault(field, "has \(entries.count) claims; at most \(Limits.claims) are possible")
            return [:]
        }
        var claims: [String: [String]] = [:]
        for entry in entries {
            let member = Field(key: KeyPath.member(entry.key, of: field.key), line: entry.line, value: entry.value)
            if !(1...256).contains(entry.key.utf8.count)
                || entry.key.split(separator: ".", omittingEmptySubsequences: false).contains("")
            {
                reading.fault(member, "\(quoted(entry.key)) is not the name of a claim, as sub or realm_access.roles")
            }
            let patterns = reading.values(member, Self.pattern).map(\.value)
            if member.isNull || member.isEmptyList { reading.fault(member, "names no value; \"*\" is any") }
            if patterns.count > Limits.claimPatterns {
                reading.fault(member, "has \(patterns.count) values; at most \(Limits.claimPatterns) are possible")
            }
            claims[entry.key] = patterns
        }
        return claims
    }

    /// Whether it is a list or a scalar, which is a fault of its own.
    private func isOther(_ field: Field) -> Bool {
        switch field.value.content {
        case .null, .mapping: false
        case .list, .scalar: true
        }
    }

    private static func pattern(_ text: String) throws(Refusal) -> String {
        guard (1...1_024).contains(text.utf8.count) else { throw Refusal("is not 1 to 1024 bytes long") }
        return text
    }
}
