internal import Catalog
internal import Control
internal import KernelPlane
internal import Logging
private import Synchronization

/// Keeps the kernel's sets of endpoints in step with the catalogue, with what the probes find, and with who is out of use:
/// connect() chooses an endpoint that takes connections and that nothing else stands against.
final class EndpointWatch: Sendable {
    private struct State {
        var sets = DirectSets(Catalog())
        var slots: [String: UInt32] = [:]
        /// As the kernel has them.
        var written: DirectPlane.Sets = [:]
        /// What the probes have found.
        var known: [SocketAddress: Bool] = [:]
        /// Out of use whatever the probes find: unwell at layer 7, drained, or in maintenance.
        var out: Set<EndpointKey> = []
        /// Endpoints of which the kernel could not be told.
        var untold: Set<SocketAddress> = []
        var truncated: [String] = []
    }

    private let plane: DirectPlane
    private let hub: EventHub
    private let logger: Logger
    private let state = Mutex(State())

    init(plane: DirectPlane, hub: EventHub, logger: Logger) {
        self.plane = plane
        self.hub = hub
        self.logger = logger
    }

    /// Something that the kernel should know it does not.
    var isBehind: Bool { state.withLock { !$0.untold.isEmpty } }

    /// Puts a catalogue's sets into the kernel. The rules that follow them come after; until `settle` the sets of slots that
    /// only rules of before refer to stay.
    ///
    /// - Parameters:
    ///   - catalog: with names resolved.
    ///   - usable: what is known of endpoints.
    func apply(_ catalog: Catalog, _ slots: [String: UInt32], usable: [SocketAddress: Bool]) throws(KernelPlaneError) {
        let sets = DirectSets(catalog)
        try state.withLock { (state) throws(KernelPlaneError) in
            let wanted = sets.sets(slots, usable: usable, out: state.out.contains)
            try write(state.written.merging(wanted) { $1 }, &state)
            state.sets = sets
            state.slots = slots
            state.known = usable
            state.untold = []
        }
        complain(sets.truncated)
    }

    /// Takes the sets away that nothing refers to any more. Returns the endpoints to watch, with what is known of them.
    func settle() throws(KernelPlaneError) -> [SocketAddress: Bool] {
        try state.withLock { (state) throws(KernelPlaneError) in
            let slots = Set(state.sets.members.keys.compactMap { state.slots[$0] })
            try write(state.written.filter { slots.contains($0.key) }, &state)
            let members = state.written.values.joined().map { ($0.address, state.known[$0.address] ?? true) }
            return Dictionary(members) { first, _ in first }
        }
    }

    /// Takes in what a probe has found; called on the prober's thread.
    func take(_ change: EndpointProber.Change) {
        let models = state.withLock { state in
            state.known[change.address] = change.usable
            tell(change.address, &state)
            return state.sets.models(of: change.address)
        }
        for model in models {
            hub.publish(
                EventReport(
                    time: Timestamp.now(), kind: change.usable ? .endpointUp : .endpointDown, model: model,
                    address: change.address.description, detail: change.reason))
        }
        logger.notice(
            change.usable ? "an endpoint answers again" : "an endpoint does not answer",
            metadata: ["endpoint": "\(change.address)", "reason": "\(change.reason ?? "")"])
    }

    /// From now on these are out of use, whatever the probes find.
    func keepOut(_ out: Set<EndpointKey>) {
        state.withLock { state in
            let changed = state.out.symmetricDifference(out)
            state.out = out
            for address in Set(changed.map(\.address)) { tell(address, &state) }
        }
    }

    /// Tells the kernel again what it could not be told.
    func retell() {
        state.withLock { state in for address in state.untold { tell(address, &state) } }
    }

    /// Brings what the kernel has of an address up to date.
    private func tell(_ address: SocketAddress, _ state: inout State) {
        do {
            for name in state.sets.models(of: address) {
                guard let slot = state.slots[name], let member = state.sets.member(address, of: name),
                    let position = state.written[slot]?.firstIndex(where: { $0.address == address })
                else { continue }
                let usable = state.known[address] ?? true && !state.out.contains(member.key)
                guard state.written[slot]?[position].usable != usable else { continue }
                try plane.setUsable(usable, address, slot)
                state.written[slot]?[position] = .init(address: address, weight: member.weight, usable: usable)
            }
            state.untold.remove(address)
        } catch {
            if state.untold.insert(address).inserted {
                logger.error("cannot tell the kernel of an endpoint", metadata: ["reason": "\(error)"])
            }
        }
    }

    /// The same sets are not written again: connect() may be choosing among them.
    private func write(_ sets: DirectPlane.Sets, _ state: inout State) throws(KernelPlaneError) {
        guard sets != state.written else { return }
        try plane.apply(sets)
        state.written = sets
    }

    private func complain(_ truncated: [String]) {
        let isNew = state.withLock { state in
            defer { state.truncated = truncated }
            return state.truncated != truncated && !truncated.isEmpty
        }
        guard isNew else { return }
        logger.warning(
            "models have more addresses than path direct chooses among; those beyond are left out",
            metadata: ["models": "\(truncated.joined(separator: ", "))", "limit": "\(DirectSets.maximum)"])
    }
}
