package import Catalog
package import Control
internal import Identity

/// Checks JSON web tokens (RFC 7519) against the issuers of a configuration.
package struct TokenChecker: Sendable {
    private let issuers: [BelievedIssuer]

    /// Checks nothing: there are no issuers.
    package init() { issuers = [] }

    private init(_ issuers: [BelievedIssuer]) { self.issuers = issuers }

    /// - Parameter keySets: a document that cannot be read is a complaint that names the issuer, which then has no keys.
    /// - Returns: the checker, and what is wrong with the key sets, a sentence each.
    package static func make(
        issuers: [Issuer], keySets: [KeySet], clients: [Client]
    ) -> (checker: TokenChecker, complaints: [String]) {
        var complaints: [String] = []
        let believed = issuers.map { issuer in
            var keys: [VerificationKey] = []
            for set in keySets where set.issuer == issuer.name {
                do throws(KeySetReader.Fault) {
                    keys += try KeySetReader.keys(of: set.document, form: set.form, algorithms: issuer.algorithms)
                } catch {
                    complaints.append("the key set of issuer \(issuer.name) \(error.reason)")
                }
            }
            return BelievedIssuer(issuer, keys, clients)
        }
        return (TokenChecker(believed), complaints)
    }

    /// Who a token is of. It takes a signature's check at most for each of the issuer's keys, and belongs on no event loop.
    /// - Parameter epoch: seconds since 1970.
    package func check(_ token: [UInt8], epoch: Int64) async -> TokenVerdict {
        let parts: TokenParts
        do throws(TokenFault) { parts = try TokenParts(token) } catch { return .refused(error) }
        guard let name = parts.claims["iss"]?.text else { return .refused(.unknownIssuer) }
        var fault = TokenFault.unknownIssuer
        // Two that are configured may be one: with other audiences, say.
        for issuer in issuers where issuer.name == name {
            switch await issuer.check(parts, epoch: epoch) {
            case .client(let client, let expires): return .client(client, expires: expires)
            case .refused(let reason): fault = fault == .unknownIssuer ? reason : fault
            }
        }
        return .refused(fault)
    }
}
