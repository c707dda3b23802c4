/// What became of a token.
package enum TokenVerdict: Hashable, Sendable {
    /// Signed by one of the issuers and in force: the client whose it is by its claims, and when it ends, in seconds since
    /// 1970.
    case client(String, expires: Int64)
    case refused(TokenFault)
}

/// Why a token is not believed.
package enum TokenFault: Hashable, Sendable {
    case malformed
    case expired
    /// Not in force yet, or for somebody else, or its signature is wrong, or an algorithm is used that the issuer does not.
    case early
    case audience
    case signature
    case algorithm
    case unknownIssuer
    /// Its claims are no client's.
    case unknownClient
    /// The issuer's keys have not been had so far.
    case noKeys
}
