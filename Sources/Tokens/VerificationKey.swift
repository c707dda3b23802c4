internal import Catalog
internal import FoundationEssentials
internal import JWTKit

/// A key that signatures are checked with. It is of one algorithm, whatever a token says: what is public in one can never be
/// taken for the secret of another.
struct VerificationKey: Sendable {
    enum Material: Sendable {
        case rsa(Insecure.RSA.PublicKey)
        case ecdsa(ES256PublicKey)
        case edDSA(EdDSA.PublicKey)
        case secret(HMACKey)
    }

    /// nil: it has no name.
    let id: String?
    let material: Material

    var algorithm: Issuer.Algorithm {
        switch material {
        case .rsa: .rs256
        case .ecdsa: .es256
        case .edDSA: .edDSA
        case .secret: .hs256
        }
    }

    /// Whether a token that names this key, or none, may be signed with it.
    func isNamed(_ id: String?) -> Bool { id == nil || self.id == nil || self.id == id }

    func verifies(_ signature: [UInt8], of signed: [UInt8]) async -> Bool {
        // A collection of its own, since one with several keys falls back on another than the one that was asked for.
        let keys = JWTKeyCollection()
        switch material {
        case .rsa(let key): await keys.add(rsa: key, digestAlgorithm: .sha256)
        case .ecdsa(let key): await keys.add(ecdsa: key)
        case .edDSA(let key): await keys.add(eddsa: key)
        case .secret(let key): await keys.add(hmac: key, digestAlgorithm: .sha256)
        }
        guard let check = try? await keys.getKey() else { return false }
        return (try? check.verify(signature, signs: signed)) ?? false
    }
}
