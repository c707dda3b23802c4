import Glibc

/// Replaces `${env:NAME}` and `${file:/path}` in a text by what they stand for.
struct References {
    /// What a name or path stands for; a refusal says why it stands for nothing.
    private let environment: (String) -> String?
    private var files: [String: String] = [:]
    private var resolvedBytes = 0

    init(environment: @escaping (String) -> String?) {
        self.environment = environment
    }

    static func isIn(_ text: String) -> Bool { text.contains("${") }

    /// Whether the text is one reference and nothing else.
    static func isWhole(_ text: String) -> Bool { text.hasPrefix("${") && text.firstIndex(of: "}") == text.indices.last }

    /// `text` with every reference replaced; what is put in is not looked into again. The refusal names the reference.
    mutating func resolve(_ text: String) throws(Refusal) -> String {
        var result = ""
        var rest = text[...]
        while let start = rest.firstRange(of: "${") {
            result += rest[..<start.lowerBound]
            guard let end = rest[start.upperBound...].firstIndex(of: "}") else {
                throw Refusal("has a \"${\" without its \"}\"; references are ${env:NAME} and ${file:/path}")
            }
            result += try value(of: String(rest[start.upperBound..<end]))
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }

    private mutating func value(of reference: String) throws(Refusal) -> String {
        let shown = "${\(printable(reference))}"
        let value: String
        if reference.hasPrefix("env:") {
            value = try variable(String(reference.dropFirst(4)), shown)
        } else if reference.hasPrefix("file:") {
            value = try file(String(reference.dropFirst(5)), shown)
        } else {
            throw Refusal("has the unknown reference \(shown); references are ${env:NAME} and ${file:/path}")
        }
        resolvedBytes += value.utf8.count
        guard resolvedBytes <= Limits.allReferenceBytes else {
            throw Refusal("cannot be resolved: all references together exceed \(Limits.allReferenceBytes >> 20) MiB")
        }
        return value
    }

    private func variable(_ name: String, _ shown: String) throws(Refusal) -> String {
        guard !name.isEmpty, !name.contains(where: { $0 == "=" || $0 == "\0" }) else {
            throw Refusal("has the reference \(shown), which names no environment variable")
        }
        guard let value = environment(name) else {
            throw Refusal("cannot be resolved: \(shown) is not set in the environment")
        }
        return Self.withoutNewline(value)
    }

    private mutating func file(_ path: String, _ shown: String) throws(Refusal) -> String {
        guard path.hasPrefix("/") else {
            throw Refusal("has the reference \(shown), whose path is not absolute; write ${file:/path}")
        }
        if let known = files[path] { return known }
        let bytes: [UInt8]
        do {
            bytes = try BoundedFile.read(path, limit: Limits.referenceBytes)
        } catch {
            throw Refusal("cannot be resolved: \(shown) \(error.reason)")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Refusal("cannot be resolved: \(shown) is not UTF-8 text")
        }
        let trimmed = Self.withoutNewline(text)
        files[path] = trimmed
        return trimmed
    }

    /// A variable that need not be there.
    func variable(_ name: String) -> String? { environment(name).map(Self.withoutNewline) }

    /// The one newline at the end that editors and `echo` leave there; both kinds are one character.
    private static func withoutNewline(_ text: String) -> String {
        text.hasSuffix("\n") || text.hasSuffix("\r\n") ? String(text.dropLast()) : text
    }
}

/// What the environment of this process has under a name.
func processEnvironment(_ name: String) -> String? {
    getenv(name).flatMap { String(validatingCString: $0) }
}
