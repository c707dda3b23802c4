internal import Catalog
internal import Control
private import TLS
private import Tokens

/// Where something comes from that proves who somebody is.
enum CredentialSource: Hashable, Sendable {
    /// What an issuer's signatures are checked with.
    case keys(issuer: String, algorithms: [Issuer.Algorithm], Issuer.Keys)
    /// What a listener shows and asks for.
    case certificate(SecureListener)

    /// What came of it.
    enum Value: Hashable, Sendable {
        case keySet(KeySet)
        case certificate(ListenerCertificate)
    }

    var name: String {
        switch self {
        case .keys(let issuer, _, .url(let url, _, _)): "issuer \(issuer) (\(url))"
        case .keys(let issuer, _, .file(let file)): "issuer \(issuer) (\(file))"
        case .keys(let issuer, _, .secret): "issuer \(issuer)"
        case .certificate(let listener): "listener \(listener.address)"
        }
    }

    /// The files that it is read from; none: it is fetched, or stands in the configuration.
    var files: [String] {
        switch self {
        case .keys(_, _, .file(let file)): [file]
        case .keys: []
        case .certificate(let listener):
            [listener.certificateFile, listener.keyFile] + (listener.authorityFile.map { [$0] } ?? [])
        }
    }
}

extension SecureListener {
    /// nil: callers are not asked for certificates.
    fileprivate var authorityFile: String? { clientCertificates == .off ? nil : clientAuthorityFile }
}

extension Catalog {
    /// Everything that the credentials come from, issuers first.
    var credentialSources: [CredentialSource] {
        authentication.issuers.map { .keys(issuer: $0.name, algorithms: $0.algorithms, $0.keys) }
            + node.secureGateway.map { .certificate($0) }
    }
}

/// Why a credential can't be used, in words.
struct CredentialFault: Error, Hashable, Sendable, CustomStringConvertible {
    let description: String
}

extension CredentialSource {
    /// Bytes of a file, or of what is fetched, at most.
    static let maximumBytes = 1 << 20

    /// Reads what comes from files, or from the configuration itself; nil: it has to be fetched.
    func read() throws(CredentialFault) -> Value? {
        switch self {
        case .keys(_, _, .url): nil
        case .keys(let issuer, _, .secret(let secret)): .keySet(KeySet(issuer: issuer, form: .secret, document: secret))
        case .keys(_, _, .file(let file)): try keySet(try Self.bytes(file))
        case .certificate(let listener): .certificate(try Self.certificate(listener))
        }
    }

    /// What a document of an issuer's holds.
    func keySet(_ document: [UInt8]) throws(CredentialFault) -> Value {
        guard case .keys(let issuer, let algorithms, _) = self else { throw CredentialFault(description: "no key set") }
        // JSON, or else PEM.
        let first = document.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        let form = first == UInt8(ascii: "{") ? KeySet.Form.jwks : .pem
        let secret = Secret(String(decoding: document, as: UTF8.self))
        if let fault = KeySetCheck.fault(of: secret, form: form, algorithms: algorithms) {
            throw CredentialFault(description: fault)
        }
        return .keySet(KeySet(issuer: issuer, form: form, document: secret))
    }

    private static func certificate(_ listener: SecureListener) throws(CredentialFault) -> ListenerCertificate {
        let certificate = ListenerCertificate(
            address: listener.address, chain: try text(listener.certificateFile), key: Secret(try text(listener.keyFile)),
            clientAuthorities: try listener.authorityFile.map { (file) throws(CredentialFault) in try text(file) })
        do {
            _ = try TLSServerContext(
                chain: certificate.chain, key: certificate.key.reveal, clientAuthorities: certificate.clientAuthorities,
                verification: certificate.clientAuthorities == nil ? .off : .optional)
        } catch {
            throw CredentialFault(description: "\(listener.certificateFile), \(listener.keyFile): \(error)")
        }
        return certificate
    }

    private static func text(_ file: String) throws(CredentialFault) -> String {
        String(decoding: try bytes(file), as: UTF8.self)
    }

    private static func bytes(_ file: String) throws(CredentialFault) -> [UInt8] {
        do { return try File.read(file, limit: maximumBytes) } catch { throw CredentialFault(description: error.description) }
    }
}
