package import Catalog

/// A key's digest as text, for the configuration: `mbk1:ID:SALT:DIGEST`, both in hexadecimal digits. It does not say when the
/// key is valid.
extension KeyDigest {
    package static func stored(_ key: APIKey) -> String { "mbk1:\(key.id):\(hex(key.salt)):\(hex(key.digest))" }

    /// nil: it is no such text.
    package static func parse(stored text: String) -> APIKey? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "mbk1", KeyText.isID(String(parts[1])), let salt = bytes(parts[2]),
            let digest = bytes(parts[3]), salt.count == ownSaltSize, digest.count == size
        else { return nil }
        return APIKey(id: String(parts[1]), salt: salt, digest: digest)
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 0xF)]] }, as: UTF8.self)
    }

    private static func bytes(_ text: Substring) -> [UInt8]? {
        let digits = text.utf8.compactMap(nibble)
        guard digits.count == text.utf8.count, digits.count % 2 == 0 else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    private static func nibble(_ character: UInt8) -> UInt8? {
        switch character {
        case 0x30...0x39: character - 0x30
        case 0x61...0x66: character - 0x57
        case 0x41...0x46: character - 0x37
        default: nil
        }
    }
}
