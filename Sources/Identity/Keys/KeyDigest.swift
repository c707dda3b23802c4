package import Catalog
internal import Crypto

/// What is kept of an API key instead of the key: SHA-256 over a salt and the whole key. A key is long and random, so that one
/// round is enough; see `KeyText.minimumLength`.
package enum KeyDigest {
    package typealias Value = InlineArray<32, UInt8>

    /// Bytes of a digest.
    package static let size = 32
    /// Bytes of the salt that one key has to itself, and of a salt that keys share: the size tells them apart.
    package static let ownSaltSize = 16
    package static let sharedSaltSize = 24

    /// The salt of every key that this process reads from a secret's reference: keys that nothing but their digest tells
    /// apart can be looked up only if all have the same.
    package static let processSalt = randomBytes(sharedSaltSize)

    package static func digest(salt: Span<UInt8>, key: Span<UInt8>) -> Value {
        var hash = SHA256()
        salt.withUnsafeBytes { hash.update(bufferPointer: $0) }
        key.withUnsafeBytes { hash.update(bufferPointer: $0) }
        var value = Value(repeating: 0)
        hash.finalize().withUnsafeBytes { bytes in
            for index in 0..<size { value[index] = bytes[index] }
        }
        return value
    }

    package static func digest(salt: [UInt8], key: [UInt8]) -> [UInt8] {
        let value = digest(salt: salt.span, key: key.span)
        return value.indices.map { value[$0] }
    }

    /// Whether both are the same, in a time that says nothing of where they differ. Those of different length differ.
    package static func isEqual(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for index in left.indices { difference |= left[index] ^ right[index] }
        return difference == 0
    }

    package static func isEqual(_ left: Value, _ right: [UInt8]) -> Bool { isEqual(left.span, right.span) }

    /// A key that a secret's reference led to, as it is held from then on.
    package static func shared(id: String, key: String, notBefore: Int64? = nil, expires: Int64? = nil) -> APIKey {
        APIKey(
            id: id, salt: processSalt, digest: digest(salt: processSalt, key: Array(key.utf8)), notBefore: notBefore,
            expires: expires)
    }

    /// From the kernel's generator.
    static func randomBytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}
