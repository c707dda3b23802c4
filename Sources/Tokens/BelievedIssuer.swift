internal import Catalog
internal import Identity

/// An issuer with its keys and with the clients that its tokens may be of.
struct BelievedIssuer: Sendable {
    private let issuer: Issuer
    private let keys: [VerificationKey]
    /// In the catalogue's order.
    private let tests: [(client: String, test: ClaimTest)]

    /// What `iss` is.
    var name: String { issuer.issuer }

    init(_ issuer: Issuer, _ keys: [VerificationKey], _ clients: [Client]) {
        self.issuer = issuer
        self.keys = keys
        tests = clients.flatMap { client in
            client.tokens.filter { $0.issuer == issuer.name }.compactMap { ClaimTest($0) }.map { (client.name, $0) }
        }
    }

    func check(_ token: TokenParts, epoch: Int64) async -> TokenVerdict {
        if let fault = await signatureFault(token) { return .refused(fault) }
        let end: Int64
        do throws(TokenFault) { end = try self.end(token.claims, epoch) } catch { return .refused(error) }
        guard isMeant(token.claims) else { return .refused(.audience) }
        guard let client = tests.first(where: { $0.test.holds(for: token.claims) })?.client else {
            return .refused(.unknownClient)
        }
        return .client(client, expires: end)
    }

    /// The algorithm must be one that the issuer is known to use, and the key one of that algorithm: what the token's head
    /// says decides neither.
    private func signatureFault(_ token: TokenParts) async -> TokenFault? {
        guard !token.isCritical, let algorithm = Issuer.Algorithm(rawValue: token.algorithm),
            issuer.algorithms.contains(algorithm)
        else { return .algorithm }
        guard !keys.isEmpty else { return .noKeys }
        for key in keys where key.algorithm == algorithm && key.isNamed(token.keyID) {
            if await key.verifies(token.signature, of: token.signed) { return nil }
        }
        return .signature
    }

    /// When it ends, clocks that differ allowed for.
    private func end(_ claims: JSONValue, _ epoch: Int64) throws(TokenFault) -> Int64 {
        guard let expires = claims["exp"]?.number else { throw .expired }
        let leeway = Double(issuer.leeway)
        let now = Double(epoch)
        guard now < expires + leeway else { throw .expired }
        for name in ["nbf", "iat"] {
            guard let value = claims[name] else { continue }
            guard let begins = value.number, now >= begins - leeway else { throw .early }
        }
        // Beyond the numbers that a double has exactly nobody needs to know more.
        return Int64(min(expires + leeway, 0x1p53))
    }

    private func isMeant(_ claims: JSONValue) -> Bool {
        guard !issuer.audience.isEmpty else { return true }
        guard let value = claims["aud"] else { return false }
        return (value.list ?? [value]).contains { $0.text.map(issuer.audience.contains) == true }
    }
}
