internal import Catalog
internal import Control
internal import KernelPlane
internal import Logging

/// The tree of `node.qdisc`, kept in step with the models' entries.
extension Broker {
    /// Gives the models the classes that their entries ask for now. Cheap when nothing has changed.
    ///
    /// - Parameter thorough: look whether the tree still stands, too.
    func keepQdisc(thorough: Bool) {
        guard let qdisc = catalog.node.qdisc else { return }
        let changes = groundwork.plane.qos.changes
        guard thorough || changes != qdiscSeen else { return }
        do {
            let outcome = try self.qdisc.stand(on: qdisc, try groundwork.plane.qdiscModels())
            qdiscSeen = changes
            note(outcome, qdisc)
            qdiscComplaint = nil
            complainOfShortage()
        } catch {
            complain("\(error)")
        }
    }

    /// Takes the devices that are not the configuration's any more back to what they were.
    func withdrawQdisc(except kept: String? = nil) {
        let (restored, failed) = qdisc.withdraw(except: kept)
        for device in restored { logger.notice("the device is as it was", metadata: ["device": "\(device)"]) }
        for reason in failed { complain(reason) }
    }

    private func note(_ outcome: QdiscKeeper.Outcome, _ qdisc: Qdisc) {
        switch outcome {
        case .built:
            // Not by us at the start: somebody has taken the tree away, or the device was made anew.
            logger.warning("the tree did not stand and was built again", metadata: ["device": "\(qdisc.device)"])
        case .updated(let change) where !change.isEmpty:
            logger.info(
                "classes changed",
                metadata: [
                    "device": "\(qdisc.device)", "added": "\(change.added)", "changed": "\(change.changed)",
                    "removed": "\(change.removed)",
                ])
        case .updated: break
        }
    }

    /// Models that cannot be sure of their bandwidth; said once for each list of them.
    private func complainOfShortage() {
        let short = qdisc.records.flatMap(\.models).filter(\.short).map(\.name)
        guard short != qdiscShort else { return }
        qdiscShort = short
        guard !short.isEmpty else { return }
        complain(
            "node.qdisc: \(catalog.node.qdisc?.device ?? "the device") has less than what its models are to be sure of; "
                + "in part without: \(short.joined(separator: ", "))")
    }

    private func complain(_ reason: String) {
        guard reason != qdiscComplaint else { return }
        qdiscComplaint = reason
        logger.error("queueing", metadata: ["reason": "\(reason)"])
        surroundings.hub.publish(EventReport(time: Timestamp.now(), kind: .qdisc, detail: reason))
    }
}

extension KernelPlane {
    /// The models of the tree; an error in the agent's words.
    func qdiscModels() throws(AgentError) -> [QdiscModel] {
        do {
            return try qos.qdiscModels()
        } catch {
            throw AgentError("node.qdisc: \(error)")
        }
    }
}
