/// What the system is told to start.
enum ProgramText {
    /// The path of a program. Whether it is there is seen when it is started: the file may be checked on another machine.
    static func program(_ text: String) throws(Refusal) -> String {
        guard text.hasPrefix("/") else { throw Refusal("is not an absolute path") }
        guard !text.hasSuffix("/"), text.utf8.count <= 4_000 else { throw Refusal("is not the path of a program") }
        return text
    }

    static func directory(_ text: String) throws(Refusal) -> String {
        guard text.hasPrefix("/"), text.utf8.count <= 4_000 else { throw Refusal("is not an absolute path") }
        return text
    }

    /// An argument, or the value of a variable; may be empty.
    static func argument(_ text: String) throws(Refusal) -> String {
        guard text.utf8.count <= Limits.argumentBytes else {
            throw Refusal("is longer than \(Limits.argumentBytes >> 10) KiB")
        }
        return text
    }

    static func isVariable(_ text: String) -> Bool {
        let isNamed = text.utf8.allSatisfy { byte in
            let character = Character(Unicode.Scalar(byte))
            return byte < 0x80 && (character.isLetter || character.isNumber || character == "_")
        }
        return isNamed && (1...256).contains(text.utf8.count) && text.first?.isNumber == false
    }

    /// A unit of systemd, with its type: `vllm@llama.service`.
    static func unit(_ text: String) throws(Refusal) -> String {
        let isNamed = text.utf8.allSatisfy { byte in
            let character = Character(Unicode.Scalar(byte))
            return byte < 0x80 && (character.isLetter || character.isNumber || ":-_.\\@".contains(character))
        }
        let hasType = [".service", ".target"].contains { text.hasSuffix($0) && text.utf8.count > $0.utf8.count }
        guard isNamed, hasType, text.utf8.count <= 255, !text.hasPrefix("-") else {
            throw Refusal("is not a unit of systemd, as vllm@llama.service")
        }
        return text
    }
}
