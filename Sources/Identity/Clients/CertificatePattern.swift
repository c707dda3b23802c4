/// Which certificates are meant: by their subject, `CN=checkout,O=shop`, or by a name, `dns:checkout.*`, `uri:…`, `email:…`,
/// `ip:…`. Each part of a subject is a pattern of its own, and there must be as many: what somebody writes into one part
/// never reaches into the next.
package struct CertificatePattern: Hashable, Sendable {
    private enum Form: Hashable {
        case subject([TextGlob])
        case name(TextGlob)
    }

    private static let prefixes = ["dns:", "uri:", "email:", "ip:"]
    private static let maximumLength = 1_024

    private let form: Form

    /// nil: `fault` says why.
    package init?(_ text: String) {
        guard Self.fault(of: text) == nil else { return nil }
        form =
            Self.isName(text)
            ? .name(TextGlob(Self.normalized(name: text))) : .subject(Self.parts(of: text).map { TextGlob($0) })
    }

    /// Why a text is no such pattern, continuing a sentence that begins with it; nil: it is one.
    package static func fault(of text: String) -> String? {
        if text.utf8.count > maximumLength { return "is longer than \(maximumLength) bytes" }
        if text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) { return "has a control character" }
        if isName(text) { return prefixes.contains(text) ? "names nothing behind the colon" : nil }
        let isSubject = parts(of: text).allSatisfy { part in
            guard let equals = part.firstIndex(of: "=") else { return false }
            return part[..<equals].allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == ".") }
                && equals > part.startIndex
        }
        return isSubject ? nil : "is neither a subject, as CN=checkout,O=shop, nor dns:…, uri:…, email:… or ip:…"
    }

    package func matches(_ facts: CertificateFacts) -> Bool {
        switch form {
        case .subject(let globs):
            let parts = Self.parts(of: facts.subject)
            return parts.count == globs.count && zip(globs, parts).allSatisfy { $0.matches($1) }
        case .name(let glob): return facts.names.contains { Self.isText($0) && glob.matches(Self.normalized(name: $0)) }
        }
    }

    private static func isName(_ text: String) -> Bool { prefixes.contains { text.hasPrefix($0) } }

    /// A name with a NUL in it is a trick: what checks it further on sees only its beginning.
    private static func isText(_ name: String) -> Bool { !name.utf8.contains { $0 < 0x20 || $0 == 0x7F } }

    /// Hosts have no case.
    private static func normalized(name: String) -> String { name.hasPrefix("dns:") ? name.lowercased() : name }

    /// The subject's parts, at commas that no backslash precedes, types in capitals, white space around them gone.
    private static func parts(of subject: String) -> [String] {
        var parts: [[UInt8]] = [[]]
        var isEscaped = false
        for byte in subject.utf8 {
            if byte == 0x2C, !isEscaped { parts.append([]) } else { parts[parts.count - 1].append(byte) }
            isEscaped = byte == 0x5C && !isEscaped
        }
        return parts.map { part in
            var part = part.drop { $0 == 0x20 }
            while part.last == 0x20, part.dropLast().last != 0x5C { part.removeLast() }
            guard let equals = part.firstIndex(of: 0x3D) else { return String(decoding: part, as: UTF8.self) }
            return String(decoding: part[..<equals], as: UTF8.self).uppercased()
                + String(decoding: part[equals...], as: UTF8.self)
        }
    }
}
