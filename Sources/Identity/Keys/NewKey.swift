package import Catalog

/// A key that was just made, the only time that its text is known.
package struct NewKey: Hashable, Sendable {
    /// What the caller will send, `mb_ID_SECRET`.
    package let secret: Secret
    /// What is kept.
    package let key: APIKey

    /// Makes one with a salt of its own.
    /// - Parameters:
    ///   - id: nil: a random one. nil comes back for one that `KeyText.isID` refuses.
    ///   - notBefore, expires: seconds since 1970; nil: from, or to, all times.
    package init?(id: String? = nil, notBefore: Int64? = nil, expires: Int64? = nil) {
        let id = id ?? Self.randomID()
        guard KeyText.isID(id) else { return nil }
        let text = "mb_\(id)_\(Base64URL.encode(KeyDigest.randomBytes(32)))"
        let salt = KeyDigest.randomBytes(KeyDigest.ownSaltSize)
        secret = Secret(text)
        key = APIKey(
            id: id, salt: salt, digest: KeyDigest.digest(salt: salt, key: Array(text.utf8)), notBefore: notBefore,
            expires: expires)
    }

    private static func randomID() -> String {
        var generator = SystemRandomNumberGenerator()
        let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789")
        return String((0..<KeyText.chosenIDLength).map { _ in letters[Int.random(in: letters.indices, using: &generator)] })
    }
}
