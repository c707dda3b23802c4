/// The text of API keys: `mb_ID_SECRET` for those that the broker makes, anything else for others.
package enum KeyText {
    /// Bytes that a key has at least, so that nobody guesses it; and at most.
    package static let minimumLength = 16
    package static let maximumLength = 1_024
    /// Characters of a made key's secret: 32 random bytes, base64url.
    static let secretLength = 43
    static let idLimit = 32
    /// Characters of an id that the broker chose.
    static let chosenIDLength = 10
    private static let prefix: [UInt8] = [0x6D, 0x62, 0x5F]

    /// Where the id stands in a key of the form `mb_ID_SECRET`; nil: it is none.
    package static func id(in key: Span<UInt8>) -> Range<Int>? {
        guard key.count > prefix.count + 1 + secretLength, key.count <= prefix.count + idLimit + 1 + secretLength else {
            return nil
        }
        for index in prefix.indices where key[index] != prefix[index] { return nil }
        let end = key.count - secretLength - 1
        guard key[end] == 0x5F else { return nil }
        for index in prefix.count..<end where !isIDByte(key[index]) { return nil }
        for index in end + 1..<key.count where !isSecretByte(key[index]) { return nil }
        return prefix.count..<end
    }

    /// Whether keys can be made with this id: 1 to 32 of `a` to `z`, digits and `-`.
    package static func isID(_ text: String) -> Bool {
        (1...idLimit).contains(text.utf8.count) && text.utf8.allSatisfy(isIDByte)
    }

    /// Why a text that somebody made can be no key, continuing a sentence that begins with it; nil: it can.
    package static func fault(of key: String) -> String? {
        if key.utf8.count < minimumLength { return "is shorter than \(minimumLength) bytes; a key that short can be guessed" }
        if key.utf8.count > maximumLength { return "is longer than \(maximumLength) bytes" }
        return key.utf8.allSatisfy { (0x21...0x7E).contains($0) } ? nil : "has a character that no header can carry"
    }

    private static func isIDByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7A, 0x30...0x39, 0x2D: true
        default: false
        }
    }

    private static func isSecretByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x61...0x7A, 0x41...0x5A, 0x30...0x39, 0x2D, 0x5F: true
        default: false
        }
    }
}
