internal import Identity

/// A token taken apart (RFC 7515, compact form); nothing of it is believed yet.
struct TokenParts: Sendable {
    /// Bytes of a token.
    static let limit = 8 << 10

    let algorithm: String
    let keyID: String?
    /// It says that it must not be believed by who does not know some extension.
    let isCritical: Bool
    /// An object.
    let claims: JSONValue
    /// What is signed, and the signature.
    let signed: [UInt8]
    let signature: [UInt8]

    init(_ token: [UInt8]) throws(TokenFault) {
        guard token.count <= Self.limit else { throw .malformed }
        let parts = token.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Self.object(parts[0]), let claims = Self.object(parts[1]),
            let signature = Base64URL.decode(parts[2]), let algorithm = header["alg"]?.text
        else { throw .malformed }
        self.algorithm = algorithm
        keyID = header["kid"]?.text
        isCritical = header["crit"] != nil
        self.claims = claims
        self.signature = signature
        signed = Array(token[..<parts[1].endIndex])
    }

    private static func object(_ text: ArraySlice<UInt8>) -> JSONValue? {
        guard let bytes = Base64URL.decode(text), let value = JSONValue(bytes), case .object = value else { return nil }
        return value
    }
}
