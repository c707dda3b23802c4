internal import Catalog
internal import Control
private import Glibc
internal import Logging

extension Broker {
    /// What a reload has opened or added before it is sure to succeed.
    private struct Preparations {
        var admin: Int32?
        var addresses: [IPAddress] = []
        /// A device that had no tree before.
        var hasQdisc = false
    }

    /// Reads the file and puts it into force if it can be.
    ///
    /// - Parameter asked: the number under which somebody waits for the outcome.
    func reread(asked: UInt64?) async {
        let file: ConfigurationFile
        do {
            file = try ConfigurationFile.read(groundwork.options.configuration, resources: resources)
        } catch {
            // Between two steps of an editor there is no file for a moment, and an event will follow.
            if let asked { finish([error.description], asked: asked) }
            return
        }
        guard asked != nil || file.bytes != lastRead else { return }
        lastRead = file.bytes
        switch file.result {
        case .failure(let refused): finish(refused.faults, asked: asked)
        case .success(let new):
            let faults = await adopt(new)
            if faults.isEmpty {
                (lastGood, verdicts) = (file.bytes, file.verdicts)
                follow()
            }
            finish(faults, asked: asked)
        }
    }

    /// Puts a new catalogue into force. Returns what is wrong with it; then the one before stays.
    func adopt(_ new: Catalog) async -> [String] {
        let old = catalog
        let change = CatalogChange(from: old, to: new)
        guard change.faults.isEmpty else { return change.faults }
        guard change.anything else { return [] }
        var made = Preparations()
        do {
            try prepare(change, new, &made)
        } catch {
            takeBack(made)
            return [error.description]
        }
        _ = await resolveNames(resolved.missing(of: new.endpointNames))
        do {
            try await enforce(new)
        } catch {
            takeBack(made)
            if !error.nothingChanged { await restore(old) }
            return [error.reason]
        }
        catalog = new
        await commit(change, made)
        return []
    }

    private func prepare(_ change: CatalogChange, _ new: Catalog, _ made: inout Preparations) throws(AgentError) {
        if change.admin { made.admin = try Listener.tcp(new.node.admin) }
        for address in change.podAddressesAdded where try PodAddresses.ensure(address) { made.addresses.append(address) }
        if let device = new.node.qdisc, device.device != catalog.node.qdisc?.device {
            try qdisc.stand(on: device, try groundwork.plane.qdiscModels())
            made.hasQdisc = true
        }
    }

    private func takeBack(_ made: Preparations) {
        if let admin = made.admin { close(admin) }
        for address in made.addresses { PodAddresses.remove(address) }
        if made.hasQdisc { withdrawQdisc(except: catalog.node.qdisc?.device) }
    }

    /// The proxy may have the new configuration already, or may yet come to it: it gets the old one under a newer number.
    private func restore(_ old: Catalog) async {
        do {
            try await enforce(old)
        } catch {
            logger.error("cannot go back to the configuration before", metadata: ["reason": "\(error.reason)"])
        }
    }

    private func commit(_ change: CatalogChange, _ made: Preparations) async {
        surroundings.names.take(catalog)
        tellPods()
        surroundings.cluster.adopt(catalog.node.kubernetes)
        resolved.keep(only: catalog.endpointNames)
        if let admin = made.admin { await surroundings.admin.move(to: admin) }
        let ours = podAddresses
        for address in change.podAddressesRemoved where ours.contains(address) { PodAddresses.remove(address) }
        podAddresses = ours.filter { !change.podAddressesRemoved.contains($0) } + made.addresses
        withdrawQdisc(except: catalog.node.qdisc?.device)
        keepQdisc(thorough: true)
        let kept = podAddresses
        surroundings.state.update { $0.podAddresses = kept.map(\.description) }
    }

    private func finish(_ faults: [String], asked: UInt64?) {
        let report = ReloadReport(
            time: Timestamp.now(), accepted: faults.isEmpty, generation: generation, faults: faults)
        lastReload = report
        for fault in faults { logger.error("the configuration is not taken", metadata: ["fault": "\(fault)"]) }
        if faults.isEmpty { logger.notice("the configuration is in force", metadata: ["generation": "\(generation)"]) }
        surroundings.hub.publish(
            EventReport(
                time: report.time, kind: faults.isEmpty ? .reloaded : .reloadFailed,
                detail: faults.isEmpty ? "generation \(generation)" : faults.joined(separator: "; ")))
        if let asked { reloads.answer(asked, report) }
    }
}
