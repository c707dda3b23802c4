/// Names and paths.
enum NameText {
    /// Names of rules and clients: they become labels and arguments.
    static func identifier(_ text: String) throws(Refusal) -> String {
        guard (1...63).contains(text.utf8.count), text.utf8.allSatisfy(isIdentifierByte) else {
            throw Refusal("is not a name: 1 to 63 letters, digits, dots, underscores or hyphens")
        }
        return text
    }

    /// What requests name in `model`.
    static func model(_ text: String) throws(Refusal) -> String {
        guard !References.isIn(text) else { throw Refusal("has a reference; references are resolved in values, not in names") }
        guard (1...256).contains(text.utf8.count) else { throw Refusal("is not a model name: 1 to 256 bytes") }
        guard !text.unicodeScalars.contains(where: \.isControl) else {
            throw Refusal("is not a model name: it has a control character")
        }
        return text
    }

    /// A cgroup by its path below the cgroup v2 mount; a slash at the end is dropped.
    static func cgroup(_ text: String) throws(Refusal) -> String {
        let form = "write a path below the cgroup v2 mount, as / or /kubepods.slice"
        guard text.hasPrefix("/") else { throw Refusal("does not begin with /; \(form)") }
        guard text.utf8.count <= 4_095 else { throw Refusal("is longer than a path can be; \(form)") }
        guard text != "/" else { return text }
        let path = text.hasSuffix("/") ? String(text.dropLast()) : text
        for name in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard !name.isEmpty, name != ".", name != ".." else { throw Refusal("has an empty, . or .. component; \(form)") }
            guard name.utf8.count <= 255 else { throw Refusal("has a component longer than 255 bytes; \(form)") }
        }
        return path
    }

    /// A user that the proxy may run as.
    static func user(_ text: String) throws(Refusal) -> String {
        _ = try account(text)
        guard text != "root", text != "0" else { throw Refusal("is refused: the proxy never runs as root; name another user") }
        return text
    }

    /// Any user.
    static func account(_ text: String) throws(Refusal) -> String {
        guard (1...32).contains(text.utf8.count), text.utf8.allSatisfy(isIdentifierByte), !text.hasPrefix("-") else {
            throw Refusal("is not the name of a user")
        }
        return text
    }

    /// A network interface.
    static func device(_ text: String) throws(Refusal) -> String {
        let isName = (1...15).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        guard isName, !text.contains("/"), !text.contains(":"), text != ".", text != ".." else {
            throw Refusal("is not the name of a network device, as eth0: 1 to 15 characters without blanks, slashes and colons")
        }
        return text
    }

    /// The name of a label, as Kubernetes has them: `tier`, `topology.kubernetes.io/zone`.
    static func label(_ text: String) throws(Refusal) -> String {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard text.utf8.count <= 253, parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(isIdentifierByte) }) else {
            throw Refusal("is not a label: letters, digits, dots, underscores or hyphens, and one slash at most")
        }
        return text
    }

    /// What a label says; may be empty.
    static func labelValue(_ text: String) throws(Refusal) -> String {
        guard text.utf8.count <= 253 else { throw Refusal("is longer than 253 bytes") }
        return text
    }

    /// A node of the capability tree: `generation.text-generation.sql-generation`.
    static func capability(_ text: String) throws(Refusal) -> String {
        let nodes = text.split(separator: ".", omittingEmptySubsequences: false)
        guard nodes.count <= 8, nodes.allSatisfy(isCapabilityNode) else {
            throw Refusal(
                "is not a capability: one to eight names with dots between them, each of 1 to 63 small letters, digits and hyphens"
            )
        }
        return text
    }

    private static func isCapabilityNode(_ text: Substring) -> Bool {
        (1...63).contains(text.utf8.count) && !text.hasPrefix("-") && !text.hasSuffix("-")
            && text.utf8.allSatisfy { isIdentifierByte($0) && !(0x41...0x5A).contains($0) && $0 != UInt8(ascii: "_") }
    }

    /// The name of a header, RFC 9110 `token`; in lower case.
    static func header(_ text: some StringProtocol) throws(Refusal) -> String {
        let isToken = text.utf8.allSatisfy { byte in
            isIdentifierByte(byte) || "!#$%&'*+^`|~".utf8.contains(byte)
        }
        guard (1...256).contains(text.utf8.count), isToken else { throw Refusal("has no name of a header behind header:") }
        return text.lowercased()
    }

    static func truth(_ text: String) throws(Refusal) -> Bool {
        switch text {
        case "true": return true
        case "false": return false
        default: throw Refusal("is not true or false")
        }
    }

    /// One of the words that an enumeration spells.
    static func word<Word: RawRepresentable<String> & CaseIterable>(
        _ text: String, of type: Word.Type
    ) throws(Refusal) -> Word {
        if let word = Word(rawValue: text) { return word }
        let accepted = Word.allCases.map(\.rawValue).joined(separator: " or ")
        throw Refusal("is not \(accepted)")
    }

    private static func isIdentifierByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
