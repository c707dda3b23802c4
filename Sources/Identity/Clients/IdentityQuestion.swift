package import Catalog

/// All that is known of who sent a request.
package struct IdentityQuestion: Hashable, Sendable {
    /// The client of the workload that the kernel attests.
    package var workload: Int?
    /// What the API key that came with it is; nil: none did. A credential that is neither key nor token is an unknown key.
    package var key: KeyFinding?
    /// What the token that came with it is; nil: none did.
    package var token: TokenFinding?
    /// The client of the certificate that was shown and verified.
    package var certificate: Int?
    /// It bears a credential of a scheme that proves nothing here, as `Basic`.
    package var hasUnknownCredential = false
    /// It bears several credentials, and they differ.
    package var hasDifferentCredentials = false
    package var isCaptured: Bool
    package var onConflict = CaptureRule.Conflict.deny

    package init(isCaptured: Bool) { self.isCaptured = isCaptured }
}

/// Why a caller is not believed: 401 in every case.
package enum IdentityFault: Hashable, Sendable {
    /// It proves nothing, and nobody may do that.
    case missing
    case unknownCredential
    case differentCredentials
    /// The key's number.
    case keyExpired(Int)
    case keyEarly(Int)
    case token(TokenFault)
}

package enum IdentityAnswer: Hashable, Sendable {
    /// The client's number and what proved it.
    case client(Int, Proof)
    /// Nobody is asked who they are.
    case open
    /// Two proofs that hold, of two clients.
    case conflict(first: Int, second: Int)
    case refused(IdentityFault)
}

extension IdentityQuestion {
    /// Who the caller is. The most trusted proof that names a client decides; one that names another is a conflict. A
    /// credential that is not ours is nothing to us where it was sent to somebody else, and refused where it was sent to us.
    /// - Parameters:
    ///   - isOpen: the configuration does not ask who callers are.
    ///   - anonymous: the client of those who prove nothing; nil: they are refused.
    package func answer(isOpen: Bool, anonymous: Int?) -> IdentityAnswer {
        if isOpen { return workload.map { .client($0, .workload) } ?? .open }
        if let fault { return .refused(fault) }
        let credentials = [(keyClient, Proof.key), (tokenClient, .token), (certificate, .certificate)]
        var first: (client: Int, proof: Proof)?
        for case (let client?, let proof) in credentials {
            guard let known = first else {
                first = (client, proof)
                continue
            }
            // Credentials that contradict each other prove nothing that a rule could prefer.
            if known.client != client { return .conflict(first: known.client, second: client) }
        }
        if let answer = settled(first) { return answer }
        if hasUnknownCredential, !isCaptured { return .refused(.unknownCredential) }
        return anonymous.map { .client($0, .anonymous) } ?? .refused(.missing)
    }

    private func settled(_ credential: (client: Int, proof: Proof)?) -> IdentityAnswer? {
        guard let workload else { return credential.map { .client($0.client, $0.proof) } }
        guard let credential, credential.client != workload else { return .client(workload, .workload) }
        switch isCaptured ? onConflict : .deny {
        case .deny: return .conflict(first: workload, second: credential.client)
        case .workload: return .client(workload, .workload)
        case .credentials: return .client(credential.client, credential.proof)
        }
    }

    private var fault: IdentityFault? {
        if hasDifferentCredentials { return .differentCredentials }
        switch key {
        case .expired(let index): return .keyExpired(index)
        case .early(let index): return .keyEarly(index)
        default: break
        }
        if case .refused(let fault) = token, !fault.isForeign { return .token(fault) }
        return bearsForeignCredential && !isCaptured ? .unknownCredential : nil
    }

    private var bearsForeignCredential: Bool {
        if key == .unknown { return true }
        if case .refused = token { return true }
        return false
    }

    private var keyClient: Int? {
        if case .client(let client, _) = key { return client }
        return nil
    }

    private var tokenClient: Int? {
        if case .client(let client, _) = token { return client }
        return nil
    }
}
