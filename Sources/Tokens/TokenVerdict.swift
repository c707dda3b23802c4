package import Identity

/// What became of a token.
package enum TokenVerdict: Hashable, Sendable {
    /// Signed by one of the issuers and in force: the client whose it is by its claims, and when it ends, in seconds since
    /// 1970.
    case client(String, expires: Int64)
    case refused(TokenFault)

    /// The same by numbers. The directory may be another configuration's than the one that the token was checked with: a
    /// client that it does not know has no tokens.
    package func finding(in directory: ClientDirectory) -> TokenFinding {
        switch self {
        case .client(let name, let expires):
            directory.number(of: name).map { .client($0, until: expires) } ?? .refused(.unknownClient)
        case .refused(let fault): .refused(fault)
        }
    }
}
