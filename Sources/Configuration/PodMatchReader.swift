import Catalog

/// `match` of a client: which pods it is.
struct PodMatchReader {
    private static let keys = KnownKeys(["namespace", "serviceAccount", "labels"])
    private static let form = "write {namespace: shop, labels: {app: checkout}}"

    let reading: Reading

    func read(_ field: Field?, _ ledger: inout ClientLedger) -> [PodMatch] {
        let elements = reading.oneOrMore(field)
        if let field, elements.count > Limits.podMatches {
            reading.fault(field, "has \(elements.count) entries; at most \(Limits.podMatches) are possible")
            return []
        }
        return elements.compactMap { element in
            guard let match = match(element) else { return nil }
            if let first = ledger.take(match: match.text, element) {
                reading.fault(element, "is the same as \(first.key) on line \(first.line): a pod belongs to one client")
            }
            return match
        }
    }

    private func match(_ element: Field) -> PodMatch? {
        let fields = reading.members(element, Self.keys)
        if !element.isNull {
            guard case .mapping = element.value.content else { return nil }
        }
        let match = PodMatch(
            namespaces: names(fields["namespace"]), serviceAccounts: names(fields["serviceAccount"]),
            labels: fields["labels"].map { LabelsSection.read($0, reading) } ?? [:])
        if fields.isEmpty {
            reading.fault(element, "says nothing, so that every pod would be this client; \(Self.form)")
            return nil
        }
        return match
    }

    private func names(_ field: Field?) -> [String] {
        guard let field else { return [] }
        if field.isNull || field.isEmptyList { reading.fault(field, "names nothing; leave it out, or name some") }
        let names = reading.values(field, Self.name).map(\.value)
        if names.count > Limits.podMatches {
            reading.fault(field, "has \(names.count) names; at most \(Limits.podMatches) are possible")
        }
        return names
    }

    private static func name(_ text: String) throws(Refusal) -> String {
        let isName = text.utf8.allSatisfy { byte in
            (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2D || byte == 0x2E
        }
        guard (1...253).contains(text.utf8.count), isName else {
            throw Refusal("is not a name of Kubernetes: small letters, digits, hyphens and dots")
        }
        return text
    }
}
