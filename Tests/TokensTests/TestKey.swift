import Catalog
import Control
import Crypto
import CryptoExtras
import FoundationEssentials
import Identity
import JWTKit

/// A pair of keys, made for the test, that signs any text.
struct TestKey: Sendable {
    enum Material: Sendable {
        case rsa(JWTKit.Insecure.RSA.PrivateKey)
        case ecdsa(ES256PrivateKey)
        case edDSA(EdDSA.PrivateKey)
        case secret(String)
    }

    let material: Material

    static func rsa() throws -> TestKey {
        TestKey(material: .rsa(try JWTKit.Insecure.RSA.PrivateKey(backing: _RSA.Signing.PrivateKey(keySize: .bits2048))))
    }

    static func ecdsa() -> TestKey { TestKey(material: .ecdsa(ES256PrivateKey())) }
    static func edDSA() throws -> TestKey { TestKey(material: .edDSA(try EdDSA.PrivateKey())) }
    static func secret(_ text: String) -> TestKey { TestKey(material: .secret(text)) }

    var algorithm: Issuer.Algorithm {
        switch material {
        case .rsa: .rs256
        case .ecdsa: .es256
        case .edDSA: .edDSA
        case .secret: .hs256
        }
    }

    func sign(_ text: String) async throws -> [UInt8] {
        let keys = JWTKeyCollection()
        switch material {
        case .rsa(let key): await keys.add(rsa: key, digestAlgorithm: .sha256)
        case .ecdsa(let key): await keys.add(ecdsa: key)
        case .edDSA(let key): await keys.add(eddsa: key)
        case .secret(let text): await keys.add(hmac: HMACKey(from: Array(text.utf8)), digestAlgorithm: .sha256)
        }
        return try await keys.getKey().sign(Array(text.utf8))
    }

    /// - Parameters:
    ///   - header, claims: JSON; the header is the key's own where it is nil.
    func token(_ claims: String, header: String? = nil) async throws -> String {
        let header = header ?? #"{"alg":"\#(algorithm.rawValue)","typ":"JWT"}"#
        let signed = [header, claims].map { Base64URL.encode(Array($0.utf8)) }.joined(separator: ".")
        return signed + "." + Base64URL.encode(try await sign(signed))
    }

    /// The public half, or the secret.
    var pem: String {
        switch material {
        case .rsa(let key): key.publicKey.pemRepresentation + "\n"
        case .ecdsa(let key): key.publicKey.pemRepresentation + "\n"
        case .edDSA(let key): key.publicKey.pemRepresentation + "\n"
        case .secret(let text): text
        }
    }

    /// The public half as a member of a key set, `more` being further members: `,"kid":"a"`.
    func jwk(_ more: String = "") throws -> String {
        switch material {
        case .rsa(let key):
            let numbers = try key.publicKey.getKeyPrimitives()
            return #"{"kty":"RSA","n":"\#(Self.text(numbers.modulus))","e":"\#(Self.text(numbers.publicExponent))"\#(more)}"#
        case .ecdsa(let key):
            guard let numbers = key.parameters, let x = Data(base64Encoded: numbers.x), let y = Data(base64Encoded: numbers.y)
            else { return "{}" }
            return #"{"kty":"EC","crv":"P-256","x":"\#(Self.text(x))","y":"\#(Self.text(y))"\#(more)}"#
        case .edDSA(let key):
            return #"{"kty":"OKP","crv":"Ed25519","x":"\#(Self.text(key.publicKey.rawRepresentation))"\#(more)}"#
        case .secret(let text): return #"{"kty":"oct","k":"\#(Base64URL.encode(Array(text.utf8)))"\#(more)}"#
        }
    }

    static func text(_ data: Data) -> String { Base64URL.encode(Array(data)) }
}

extension KeySet {
    static func jwks(_ keys: [String], issuer: String = "corp") -> KeySet {
        KeySet(issuer: issuer, form: .jwks, document: Secret(#"{"keys":[\#(keys.joined(separator: ","))]}"#))
    }

    static func pem(_ text: String, issuer: String = "corp") -> KeySet {
        KeySet(issuer: issuer, form: .pem, document: Secret(text))
    }

    static func secret(_ text: String, issuer: String = "corp") -> KeySet {
        KeySet(issuer: issuer, form: .secret, document: Secret(text))
    }
}
