internal import Catalog

/// What the host names of the endpoints resolve to, as far as it is known.
struct ResolvedNames: Hashable, Sendable {
    /// What came of asking for one name.
    enum Answer: Hashable, Sendable {
        /// For so many seconds, as the name server has it; nil: that is not known.
        case addresses([IPAddress], seconds: UInt32? = nil)
        /// The name service says there is no such name, or no address for it.
        case none(String)
        /// Nobody could be asked; what was known before stands.
        case unknown(String)

        var isAddresses: Bool {
            if case .addresses = self { return true }
            return false
        }

        var seconds: UInt32? {
            if case .addresses(_, let seconds) = self { return seconds }
            return nil
        }
    }

    private(set) var addresses: [String: [IPAddress]] = [:]

    /// Names without an address among `names`.
    func missing(of names: [String]) -> [String] { names.filter { (addresses[$0] ?? []).isEmpty } }

    /// Takes an answer in. True if what endpoints should be reached at changed; another order alone is no change, or
    /// every round robin of a name server would be a new configuration.
    mutating func take(_ answer: Answer, for name: String) -> Bool {
        switch answer {
        case .unknown: return false
        case .none: return addresses.updateValue([], forKey: name).map { !$0.isEmpty } ?? false
        case .addresses(let new, _):
            let old = addresses[name] ?? []
            guard Set(old) != Set(new) else { return false }
            addresses[name] = new
            return true
        }
    }

    /// Forgets the names that nobody asks for any more.
    mutating func keep(only names: [String]) {
        let wanted = Set(names)
        addresses = addresses.filter { wanted.contains($0.key) }
    }

    /// The catalogue with each named endpoint at its addresses.
    func applied(to catalog: Catalog) -> Catalog {
        catalog.mapEndpoints { endpoint in
            guard let name = endpoint.lookedUpName else { return endpoint }
            var resolved = endpoint
            resolved.addresses = (addresses[name] ?? []).map { SocketAddress(ip: $0, port: endpoint.port) }
            return resolved
        }
    }
}

extension Catalog {
    /// Host names of endpoints and fallbacks, each once, in the order of the configuration.
    var endpointNames: [String] {
        var seen: Set<String> = []
        return placedEndpoints.compactMap(\.endpoint.lookedUpName).filter { seen.insert($0).inserted }
    }
}
