import Catalog
import Reactor
import TLS

/// How servers of a configuration prove themselves, ready for use; nil would be plain.
enum TLSTerms: Sendable {
    case usable(TLSContext)
    /// Connections under these terms can't be had, for this reason.
    case unusable(String)

    func isSame(as other: TLSTerms) -> Bool {
        if case .usable(let context) = self, case .usable(let another) = other { return context === another }
        return false
    }
}

/// Makes the terms of each configuration and keeps what has not changed, so that connections and sessions outlive a
/// reload. Authorities are read again when their file is another than it was.
struct TLSRegistry {
    private struct Trust {
        var state: FileFacts?
        var authorities: TLSAuthorities
    }

    /// By file; "": the system's.
    private var trust: [String: Trust] = [:]
    private var terms: [EndpointTLS: TLSTerms] = [:]

    /// The terms of all endpoints of `catalog` that have any; the others' are forgotten.
    ///
    /// - Parameter log: told of what can't be used, or could not be read again.
    mutating func terms(of catalog: Catalog, log: (String) -> Void) -> [EndpointTLS: TLSTerms] {
        let wanted = Self.wanted(in: catalog)
        let files = Set(wanted.map { $0.caFile ?? "" })
        trust = trust.filter { files.contains($0.key) }
        var faults: [String: String] = [:]
        var changed: Set<String> = []
        for file in files {
            do throws(TLSError) {
                if try read(file) { changed.insert(file) }
            } catch {
                faults[file] = error.description
                log(trust[file] == nil ? error.description : "\(error); those read before stay")
            }
        }
        var made: [EndpointTLS: TLSTerms] = [:]
        for endpoint in wanted {
            let file = endpoint.caFile ?? ""
            if !changed.contains(file), case .usable(let context)? = terms[endpoint] {
                made[endpoint] = .usable(context)
            } else {
                made[endpoint] = make(endpoint, faults[file])
            }
        }
        terms = made
        return made
    }

    private static func wanted(in catalog: Catalog) -> Set<EndpointTLS> {
        var wanted: Set<EndpointTLS> = []
        for model in catalog.models {
            for endpoint in model.endpoints + model.fallback { if let tls = endpoint.tls { wanted.insert(tls) } }
        }
        for pool in catalog.pools { for endpoint in pool.fallback { if let tls = endpoint.tls { wanted.insert(tls) } } }
        return wanted
    }

    /// Reads authorities unless they are those read before; true: they are others now.
    private mutating func read(_ file: String) throws(TLSError) -> Bool {
        let state = FileFacts(file.isEmpty ? TLSAuthorities.systemDirectory : file)
        if let known = trust[file], known.state == state, state != nil || file.isEmpty { return false }
        trust[file] = Trust(state: state, authorities: try TLSAuthorities(file: file.isEmpty ? nil : file))
        return true
    }

    private func make(_ endpoint: EndpointTLS, _ fault: String?) -> TLSTerms {
        guard let authorities = trust[endpoint.caFile ?? ""]?.authorities else { return .unusable(fault ?? "no authorities") }
        do throws(TLSError) {
            return .usable(try TLSContext(serverName: endpoint.serverName, authorities: authorities))
        } catch {
            return .unusable(error.description)
        }
    }
}
