internal import Catalog
internal import Control
internal import KernelPlane
internal import Logging

/// Accounts, credentials and the audit.
extension Broker {
    /// The slots of the limits, at the start.
    func takeUpAccounts() {
        if let fault = groundwork.accountsFault {
            logger.error("the page of accounts was not whole", metadata: ["reason": "\(fault)"])
        }
        do {
            try surroundings.accounts.adopt(whole(catalog))
        } catch {
            logger.error("not all limits have accounts", metadata: ["reason": "\(error)"])
        }
    }

    /// Makes ready what a catalogue refers to, before the proxy is told of it.
    ///
    /// - Parameters:
    ///   - whole: the same, with discovered models and resolved names.
    ///   - former: the models' entries to go back to.
    func furnish(_ new: Catalog, _ whole: Catalog, instead former: Governed) throws(Obstacle) {
        do {
            try surroundings.accounts.adopt(whole)
        } catch {
            takeBack(to: former)
            throw Obstacle(reason: error.description, nothingChanged: true)
        }
        surroundings.credentials.adopt(new)
        surroundings.audit.adopt(new.audit)
        surroundings.exports.adopt(new.node)
    }

    /// Lets go of what nobody refers to any more.
    func settleAccounts(_ new: Catalog, _ whole: Catalog) {
        surroundings.accounts.settle(whole)
        surroundings.credentials.settle(new)
        areCredentialsBehind = false
        nextAccessChange = 0
    }

    /// What the proxy is given for a catalogue; keys of clients that it does not have stay here.
    func credentials(for catalog: Catalog) -> Credentials {
        var credentials = surroundings.credentials.credentials(for: catalog)
        let names = Set(catalog.clients.map(\.name))
        credentials.keys = surroundings.keys.keys.filter { names.contains($0.client) }
        return credentials
    }

    /// Puts the credentials of now into force, under a new number.
    func renew(asked: UInt64?) async {
        var fault = ""
        do {
            try await enforce(catalog)
        } catch {
            fault = error.reason
            areCredentialsBehind = true
            logger.error("new credentials are not in force", metadata: ["reason": "\(fault)"])
        }
        if let asked { renewals.answer(asked, fault) }
    }

    /// The proxy counts the audit lines that it had to drop; somebody has to hear of that.
    func askForLostLines() async {
        guard catalog.audit != nil, let dropped = await statistics()?.auditDropped else { return }
        // It is another proxy if it has dropped less.
        if dropped > auditDropped { surroundings.audit.proxyLost(dropped - auditDropped) }
        auditDropped = dropped
    }

    /// What is not as it should be, one sentence each.
    var complaints: [String] {
        var complaints = surroundings.credentials.faults
        if let fault = surroundings.accounts.fault { complaints.append("what is used can't be written down: \(fault)") }
        if let fault = surroundings.audit.fault { complaints.append("audit: \(fault)") }
        for report in surroundings.exports.reports {
            if let fault = report.fault { complaints.append("\(report.name) to \(report.target): \(fault)") }
        }
        return complaints + clusterComplaints
    }

    // MARK: - Keys

    func keyReports() -> [KeyReport] {
        KeyReport.all(catalog, surroundings.keys.keys, now: Int64(clamping: Clocks.epochSeconds()))
    }

    /// Keeps a key; it is in force when this returns.
    func addKey(_ request: KeyRequest) async throws(AgentError) -> KeyReport {
        let managed = try surroundings.keys.add(request, catalog)
        tell(.keyCreated, managed, by: request.uid)
        if let fault = await renewed() {
            throw AgentError("key \(managed.key.id) is kept, but not in force yet: \(fault)")
        }
        return report(managed)
    }

    /// Forgets a key; nobody gets in with it when this returns.
    func revokeKey(_ id: String, by uid: UInt32?) async throws(AgentError) -> KeyReport {
        let managed = try surroundings.keys.revoke(id)
        tell(.keyRevoked, managed, by: uid)
        if let fault = await renewed() {
            throw AgentError("key \(id) is forgotten, but may still be in force: \(fault)")
        }
        return report(managed)
    }

    private func report(_ managed: ManagedKey) -> KeyReport {
        let isOrphaned = !catalog.clients.contains { $0.name == managed.client }
        return KeyReport(
            managed.key, of: managed.client, source: "managed", isOrphaned: isOrphaned,
            now: Int64(clamping: Clocks.epochSeconds()))
    }

    private func tell(_ kind: EventReport.Kind, _ managed: ManagedKey, by uid: UInt32?) {
        surroundings.hub.publish(
            EventReport(
                time: Timestamp.now(), kind: kind, client: managed.client,
                detail: EventReport.change("key \(managed.key.id)", by: uid)))
        logger.notice(
            kind == .keyCreated ? "a key is added" : "a key is revoked",
            metadata: ["key": "\(managed.key.id)", "client": "\(managed.client)"])
    }
}
