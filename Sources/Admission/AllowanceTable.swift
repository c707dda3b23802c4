package import Catalog

/// The limits and quotas of a catalogue's clients and models, as one event loop asks them: a value that never changes, whose
/// counts are all elsewhere, in the shared page, `HeldCounts` and `SessionBook`.
package struct AllowanceTable: Sendable {
    /// Limits of a model, of a client, and of a client for one model, that one request can be charged to, each.
    package static let limitsPerSubject = 16

    final class Storage: Sendable {
        let page: AccountPage?
        let held: HeldCounts
        let sessions: SessionBook
        let charges: [Charge]
        let models: [ModelTerms]
        let clients: [ClientTerms]
        /// Nobody else has the counts in `held` while this is there.
        private let lease: HeldLease

        init(
            _ builder: AllowanceBuilder, _ lease: HeldLease, page: AccountPage?, held: HeldCounts, sessions: SessionBook
        ) {
            self.page = page
            self.held = held
            self.sessions = sessions
            charges = builder.charges
            models = builder.models
            clients = builder.clients
            self.lease = lease
        }
    }

    let storage: Storage?

    /// Limits nothing.
    package init() { storage = nil }

    /// Something is limited at all.
    package var isPresent: Bool { storage != nil }

    /// - Parameters:
    ///   - page: nil: nothing that is counted there is limited.
    ///   - slots: of each of `catalog.accounts`, in that order; empty: nothing that is counted in the page is limited.
    ///   - held: of this process, the same for all its configurations; so are `sessions`.
    package init(
        _ catalog: Catalog, page: AccountPage?, slots: [UInt32], held: HeldCounts, sessions: SessionBook
    ) throws(AllowanceFault) {
        var builder = try AllowanceBuilder(catalog, slots.isEmpty ? nil : page, slots)
        try builder.build(catalog)
        guard builder.isNeeded else {
            storage = nil
            return
        }
        guard let lease = held.lease(builder.counts) else { throw .tooManyCounts(builder.counts.count) }
        builder.place(lease.indices)
        storage = Storage(builder, lease, page: page, held: held, sessions: sessions)
    }

    /// What makes a session of this client, where sessions are limited; nil: nothing does.
    package func sessionKey(client: Int) -> SessionPolicy.Key? { storage?.client(client)?.sessionKey }

    /// Whether it is worth knowing how many tokens such a request uses.
    package func countsTokens(client: Int, model: Int) -> Bool {
        guard let storage else { return false }
        if let model = storage.model(model), model.terms.countsTokens || model.price != nil { return true }
        guard let client = storage.client(client) else { return false }
        return client.terms.countsTokens || client.pair(model)?.countsTokens == true || client.session?.countsTokens == true
            || client.address?.countsTokens == true
    }

    /// Whether anything that requests are charged to applies to one of this client for this model.
    package func isGoverned(client: Int, model: Int) -> Bool {
        guard let storage else { return false }
        if let model = storage.model(model), !model.terms.charges.isEmpty { return true }
        guard let client = storage.client(client) else { return false }
        return !client.terms.charges.isEmpty || client.session != nil || client.address != nil
            || client.pair(model)?.charges.isEmpty == false
    }

    /// Why a request can't pass as it is, whatever is left.
    package func check(_ model: Int, _ demand: Demand) -> RequestFault? {
        guard let storage else { return nil }
        let client = storage.client(demand.client)
        if let fault = client?.fault(model, demand) { return fault }
        guard let model = storage.model(model) else { return nil }
        return model.terms.sizes.fault(demand) ?? model.contextFault(demand)
    }

    /// Millionths of the currency that the use of a model costs.
    package func cost(_ use: TokenUse, model: Int) -> UInt64 {
        storage?.model(model)?.price?.cost(input: use.input, output: use.output) ?? 0
    }
}

extension AllowanceTable.Storage {
    @inline(__always) func model(_ number: Int) -> ModelTerms? { models.indices.contains(number) ? models[number] : nil }
    func price(_ number: Int) -> Price? { models.indices.contains(number) ? models[number].price : nil }
    @inline(__always) func client(_ number: Int) -> ClientTerms? { clients.indices.contains(number) ? clients[number] : nil }
}

extension ClientTerms {
    fileprivate func fault(_ model: Int, _ demand: Demand) -> RequestFault? {
        if let fault = terms.sizes.fault(demand) ?? pair(model)?.sizes.fault(demand) { return fault }
        if demand.session != 0, let fault = session?.sizes.fault(demand) { return fault }
        return address?.sizes.fault(demand)
    }
}
