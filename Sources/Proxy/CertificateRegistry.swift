import Catalog
import Control
import TLS

/// Makes what secure listeners show, and keeps what has not changed, so that sessions are resumed across a reload. What
/// can't be used leaves in force what was there before.
struct CertificateRegistry {
    private struct Entry {
        var material: ListenerCertificate
        var context: TLSServerContext
    }

    private var entries: [SocketAddress: Entry] = [:]

    /// What each secure listener of a configuration shows; one that has nothing it could show is not among them.
    ///
    /// - Parameter log: told of what can't be used.
    mutating func contexts(for settings: ProxySettings, log: (String) -> Void) -> [SocketAddress: TLSServerContext] {
        var made: [SocketAddress: Entry] = [:]
        for listener in settings.catalog.node.secureGateway {
            let new = settings.credentials.certificates.first { $0.address == listener.address }
            made[listener.address] = entry(listener, new, entries[listener.address], log)
        }
        entries = made
        return made.mapValues(\.context)
    }

    private func entry(
        _ listener: SecureListener, _ new: ListenerCertificate?, _ old: Entry?, _ log: (String) -> Void
    ) -> Entry? {
        let verification = TLSServerContext.Verification(listener.clientCertificates)
        var candidates = [new, old?.material].compactMap(\.self)
        if candidates.count == 2, candidates[0] == candidates[1] { candidates.removeLast() }
        if candidates.isEmpty { log("\(listener.address): not listening: there is no certificate for it") }
        for (index, material) in candidates.enumerated() {
            if let old, old.material == material, old.context.verification == verification { return old }
            do throws(TLSError) {
                let context = try TLSServerContext(
                    chain: material.chain, key: material.key.reveal, clientAuthorities: material.clientAuthorities,
                    verification: verification)
                return Entry(material: material, context: context)
            } catch {
                let isLast = index == candidates.count - 1
                log("\(listener.address): \(error)\(isLast ? "; not listening there" : "; what was shown before stays")")
            }
        }
        return nil
    }
}

extension TLSServerContext.Verification {
    init(_ certificates: SecureListener.ClientCertificates) {
        switch certificates {
        case .off: self = .off
        case .optional: self = .optional
        case .required: self = .required
        }
    }
}
