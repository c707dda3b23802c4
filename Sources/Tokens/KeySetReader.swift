internal import Catalog
internal import Control
internal import JWTKit

/// Reads the documents that issuers publish their keys in.
enum KeySetReader {
    /// Bytes of a document, and the keys of it that are taken.
    static let sizeLimit = 1 << 20
    static let keyLimit = 64
    /// Bytes that a secret has at least: as many as a SHA-256 (RFC 7518, section 3.2).
    static let secretMinimum = 32

    /// Why a document can't serve, continuing a sentence that begins with its place.
    struct Fault: Error {
        let reason: String

        init(_ reason: String) { self.reason = reason }
    }

    /// The usable keys of these algorithms, at least one. Keys of other kinds or for other uses, and keys that are broken,
    /// are passed over (RFC 7517, section 5).
    static func keys(
        of document: Secret, form: KeySet.Form, algorithms: [Issuer.Algorithm]
    ) throws(Fault) -> [VerificationKey] {
        guard document.reveal.utf8.count <= sizeLimit else { throw Fault("is larger than \(sizeLimit) bytes") }
        let found =
            switch form {
            case .jwks: try jwks(document.reveal)
            case .pem: try pem(document.reveal)
            case .secret: try secret(document.reveal)
            }
        let usable = found.filter { algorithms.contains($0.algorithm) }
        guard !usable.isEmpty else { throw Fault("has no usable key for \(algorithms.map(\.rawValue).joined(separator: ", "))") }
        return Array(usable.prefix(keyLimit))
    }

    private static func secret(_ text: String) throws(Fault) -> [VerificationKey] {
        guard !text.contains("-----BEGIN ") else { throw Fault("is a PEM document; what others can read is no secret") }
        guard text.utf8.count >= secretMinimum else {
            throw Fault("is shorter than \(secretMinimum) bytes; a secret that short can be guessed")
        }
        return [VerificationKey(id: nil, material: .secret(HMACKey(from: Array(text.utf8))))]
    }

    // MARK: - Key sets

    private static func jwks(_ text: String) throws(Fault) -> [VerificationKey] {
        guard let document = JSONValue(Array(text.utf8)) else { throw Fault("is not JSON") }
        guard let keys = document["keys"]?.list else { throw Fault("is no key set: it has no list 'keys'") }
        return keys.compactMap(key)
    }

    private static func key(_ value: JSONValue) -> VerificationKey? {
        guard let material = material(value), isForSignatures(value) else { return nil }
        let key = VerificationKey(id: value["kid"]?.text, material: material)
        guard let named = value["alg"] else { return key }
        return named.text == key.algorithm.rawValue ? key : nil
    }

    private static func isForSignatures(_ value: JSONValue) -> Bool {
        if let use = value["use"], use.text != "sig" { return false }
        guard let operations = value["key_ops"] else { return true }
        return operations.list?.contains(.text("verify")) == true
    }

    /// The public part. A secret among them (`oct`) is none any more: whoever publishes it, or could, is not to be believed.
    private static func material(_ value: JSONValue) -> VerificationKey.Material? {
        switch value["kty"]?.text {
        case "RSA":
            guard let modulus = value["n"]?.text, let exponent = value["e"]?.text else { return nil }
            return (try? Insecure.RSA.PublicKey(modulus: modulus, exponent: exponent)).map { .rsa($0) }
        case "EC":
            guard value["crv"]?.text == "P-256", let x = value["x"]?.text, let y = value["y"]?.text else { return nil }
            return (try? ES256PublicKey(parameters: (x, y))).map { .ecdsa($0) }
        case "OKP":
            guard value["crv"]?.text == "Ed25519", let x = value["x"]?.text else { return nil }
            return (try? EdDSA.PublicKey(x: x, curve: .ed25519)).map { .edDSA($0) }
        default: return nil
        }
    }

    // MARK: - PEM

    private static func pem(_ text: String) throws(Fault) -> [VerificationKey] {
        var keys: [VerificationKey] = []
        for block in try PEMBlock.blocks(in: text) {
            guard !block.label.hasSuffix("PRIVATE KEY") else { throw Fault("has a private key; it wants public ones") }
            guard block.label.hasSuffix("PUBLIC KEY") else { throw Fault("has a \(block.label) where public keys belong") }
            guard let material = material(pem: block.text) else { throw Fault("has a public key that cannot be used") }
            keys.append(VerificationKey(id: nil, material: material))
        }
        return keys
    }

    private static func material(pem: String) -> VerificationKey.Material? {
        if let key = try? Insecure.RSA.PublicKey(pem: pem) { return .rsa(key) }
        if let key = try? ES256PublicKey(pem: pem) { return .ecdsa(key) }
        return (try? EdDSA.PublicKey(pem: pem)).map { .edDSA($0) }
    }
}
