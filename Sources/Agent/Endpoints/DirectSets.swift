internal import Catalog
internal import Control

/// The endpoints among which connect() chooses, by model. Pure.
struct DirectSets: Hashable, Sendable {
    /// An endpoint of one model.
    struct Member: Hashable, Sendable {
        let address: SocketAddress
        let weight: UInt16
        var url = ""

        var key: EndpointKey { EndpointKey(url: url, address: address) }
    }

    /// `MB_MAX_SET_ENDPOINTS`
    static let maximum = 32

    private(set) var members: [String: [Member]] = [:]
    /// Models that have more addresses than connect() chooses among; those beyond are left out.
    private(set) var truncated: [String] = []

    /// - Parameter catalog: with names resolved.
    init(_ catalog: Catalog) {
        for model in catalog.directModels {
            let all = Self.members(model.endpoints)
            members[model.name] = Array(all.prefix(Self.maximum))
            if all.count > Self.maximum { truncated.append(model.name) }
        }
    }

    /// Every address once.
    var addresses: Set<SocketAddress> { Set(members.values.joined().map(\.address)) }

    /// The models that an address serves, by name.
    func models(of address: SocketAddress) -> [String] {
        members.filter { $0.value.contains { $0.address == address } }.keys.sorted()
    }

    /// An address of a model.
    func member(_ address: SocketAddress, of model: String) -> Member? {
        members[model]?.first { $0.address == address }
    }

    /// As the kernel plane takes them. A model without a slot has no set.
    ///
    /// - Parameters:
    ///   - usable: what is known; an endpoint that nobody has asked yet is taken to be usable.
    ///   - out: those that are out of use whatever is known of them.
    func sets(
        _ slots: [String: UInt32], usable: [SocketAddress: Bool], out: (EndpointKey) -> Bool = { _ in false }
    ) -> DirectPlane.Sets {
        var sets: DirectPlane.Sets = [:]
        for (name, members) in members {
            guard let slot = slots[name] else { continue }
            sets[slot] = members.map {
                .init(address: $0.address, weight: $0.weight, usable: usable[$0.address] ?? true && !out($0.key))
            }
        }
        return sets
    }

    /// An endpoint's weight is that of all its addresses together: a name with three of them gets no more than one with one.
    /// An address that two endpoints have counts for the first, and an endpoint without weight gets nothing.
    private static func members(_ endpoints: [Endpoint]) -> [Member] {
        let heaviest = endpoints.map(\.weight).max() ?? 1
        let isSplit = endpoints.contains { $0.addresses.count > 1 }
        let scale = isSplit ? max(1, Int(UInt16.max) / Int(max(1, heaviest))) : 1
        var seen: Set<SocketAddress> = []
        return endpoints.filter { $0.weight > 0 }.flatMap { endpoint in
            let weight = Int(endpoint.weight) * scale / max(1, endpoint.addresses.count)
            return endpoint.addresses.filter { seen.insert($0).inserted }.map {
                Member(address: $0, weight: UInt16(clamping: max(1, weight)), url: endpoint.url)
            }
        }
    }
}
