/// How callers prove who they are.
package struct Authentication: Hashable, Sendable {
    /// What a caller that proves nothing is.
    package enum Anonymous: Hashable, Sendable {
        /// Let in as nobody: the configuration knows no clients.
        case open
        case deny
        case client(String)
    }

    package var anonymous: Anonymous
    /// Whose tokens are believed.
    package var issuers: [Issuer]

    package init(anonymous: Anonymous = .open, issuers: [Issuer] = []) {
        self.anonymous = anonymous
        self.issuers = issuers
    }
}

/// An API key, without the key: what it must hash to.
package struct APIKey: Hashable, Sendable {
    /// What it is called wherever it is shown, unique among all keys. One that the broker made, `mb_ID_SECRET`, has it inside.
    package var id: String
    package var salt: [UInt8]
    /// SHA-256 over the salt and the whole key.
    package var digest: [UInt8]
    /// Seconds since 1970; nil: from, or to, all times.
    package var notBefore: Int64?
    package var expires: Int64?

    package init(id: String, salt: [UInt8], digest: [UInt8], notBefore: Int64? = nil, expires: Int64? = nil) {
        self.id = id
        self.salt = salt
        self.digest = digest
        self.notBefore = notBefore
        self.expires = expires
    }
}

/// Who signs JSON web tokens, and how that is checked.
package struct Issuer: Hashable, Sendable {
    package enum Algorithm: String, Hashable, Sendable, CaseIterable {
        case hs256 = "HS256"
        case rs256 = "RS256"
        case es256 = "ES256"
        case edDSA = "EdDSA"
    }

    package enum Keys: Hashable, Sendable {
        /// For HS256.
        case secret(Secret)
        /// A file with a JSON web key set, or PEM public keys.
        case file(String)
        /// Where the key set is fetched; `refresh` in seconds, `caFile`: PEM authorities, nil: the system's.
        case url(String, refresh: Int, caFile: String?)
    }

    /// What the configuration calls it.
    package var name: String
    /// What `iss` must be.
    package var issuer: String
    /// What `aud` must have one of; empty: anything.
    package var audience: [String]
    package var algorithms: [Algorithm]
    package var keys: Keys
    /// Seconds by which clocks may differ.
    package var leeway: Int

    package init(
        name: String, issuer: String, audience: [String] = [], algorithms: [Algorithm], keys: Keys, leeway: Int = 30
    ) {
        self.name = name
        self.issuer = issuer
        self.audience = audience
        self.algorithms = algorithms
        self.keys = keys
        self.leeway = leeway
    }
}

/// Which tokens are a client's.
package struct TokenMatch: Hashable, Sendable {
    /// The issuer's name in the configuration.
    package var issuer: String
    /// Each claim named must be, or if it is a list have, text that matches one of these patterns (`*`, `?`). A name with
    /// dots goes into objects: `realm_access.roles`.
    package var claims: [String: [String]]

    package init(issuer: String, claims: [String: [String]]) {
        self.issuer = issuer
        self.claims = claims
    }
}
