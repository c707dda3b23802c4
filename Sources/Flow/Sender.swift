import Identity

/// Who sent a request, and what says so.
struct Sender: Sendable {
    /// The number in the catalogue's clients; -1: nobody that is known.
    var client: Int32 = -1
    var proof = Proof.none
    /// It was asked who sent it.
    var isKnown = false
    /// Counts the catalogue by whose numbers these go.
    var version = -1
    /// What a check of the request's token found.
    var token: TokenFinding?

    var number: Int { Int(client) }
}

/// Which clients a caller's workload and certificate belong to, in one version of the catalogue.
struct Standing: Sendable {
    var version = -1
    /// -1: none.
    var workload: Int32 = -1
    var certificate: Int32 = -1
}

/// A token whose check is waited for.
struct TokenAsk: Sendable {
    var key: TokenCache.Key
    /// Counts the catalogue under which it was asked.
    var version: Int
}
