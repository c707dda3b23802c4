/// What an API key turned out to be.
package enum KeyFinding: Hashable, Sendable {
    /// None of ours: not known, or revoked.
    case unknown
    /// The client's number and the key's.
    case client(Int, keyIndex: Int)
    /// Ours, but no longer, or not yet, to be used: the key's number.
    case expired(Int)
    case early(Int)
}

/// What a token turned out to be.
package enum TokenFinding: Hashable, Sendable {
    /// The client's number, and when the token ends, in seconds since 1970.
    case client(Int, until: Int64)
    case refused(TokenFault)
}

/// Why a token is not believed.
package enum TokenFault: Error, Hashable, Sendable {
    case malformed
    case expired
    /// Not in force yet.
    case early
    /// Meant for somebody else.
    case audience
    case signature
    /// Signed in a way that its issuer does not.
    case algorithm
    /// Of nobody who is believed.
    case unknownIssuer
    /// Its claims are no client's.
    case unknownClient
    /// The issuer's keys have not been had so far.
    case noKeys

    /// It is no token of an issuer that the configuration knows: what it is for is not known here.
    package var isForeign: Bool { self == .malformed || self == .unknownIssuer }
}
