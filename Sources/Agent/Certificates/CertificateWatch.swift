internal import Catalog
internal import Control
private import Synchronization
private import TLS

/// Knows when the certificates are valid that the configuration names, by files that are read again when they have changed.
final class CertificateWatch: Sendable {
    private struct Known {
        var state: FileState
        /// Empty: it can't be read now, which others say.
        var certificates: [TLSCertificate]
    }

    private let known = Mutex<[String: Known]>([:])

    /// Reads files: for a thread that can wait for them.
    func reports(_ catalog: Catalog) -> [CertificateReport] {
        let uses = catalog.certificateUses
        let reports = uses.compactMap { use in use.report(certificates(use.file)) }
        let files = Set(uses.map(\.file))
        known.withLock { known in known = known.filter { files.contains($0.key) } }
        return reports
    }

    private func certificates(_ file: String) -> [TLSCertificate] {
        let state = FileState(file)
        if let known = known.withLock({ $0[file] }), known.state == state { return known.certificates }
        let text = try? File.text(file)
        let certificates = text.flatMap { try? TLSCertificate.all(in: $0) } ?? []
        known.withLock { $0[file] = Known(state: state, certificates: certificates) }
        return certificates
    }
}

/// What a file of certificates is for.
struct CertificateUse: Hashable, Sendable {
    var file: String
    var name: String
    /// The certificates are one's own, and those that lead to the root: none of them may expire. Of authorities any one will do.
    var isChain = false

    /// nil: there are none in it.
    fileprivate func report(_ certificates: [TLSCertificate]) -> CertificateReport? {
        let (first, last) = (certificates.min { $0.expires < $1.expires }, certificates.max { $0.expires < $1.expires })
        guard let end = isChain ? first : last else { return nil }
        let begins = certificates.map(\.begins)
        return CertificateReport(
            file: file, use: name, subject: end.subject.isEmpty ? nil : end.subject,
            begins: isChain ? begins.max() : begins.min(), expires: end.expires)
    }
}

extension Catalog {
    /// All files of certificates that the configuration names, each once for each use.
    var certificateUses: [CertificateUse] {
        var uses: [CertificateUse] = []
        func add(_ file: String?, _ name: String, isChain: Bool = false) {
            guard let file else { return }
            let use = CertificateUse(file: file, name: name, isChain: isChain)
            if !uses.contains(use) { uses.append(use) }
        }
        for listener in node.secureGateway {
            add(listener.certificateFile, "gateway", isChain: true)
            add(listener.clientAuthorityFile, "client-ca")
        }
        for file in Set(placedEndpoints.compactMap { $0.endpoint.tls?.caFile }).sorted() { add(file, "endpoint-ca") }
        if case .webhook(_, _, let file) = audit?.sink { add(file, "audit-ca") }
        for target in [node.remoteWrite?.target, node.otlp?.target, node.events?.webhook?.target] {
            add(target?.caFile, "export-ca")
        }
        return uses
    }
}
