internal import Catalog
internal import Control
internal import KernelPlane
internal import Logging

extension Broker {
    /// Gives the models of a catalogue their entries, before anything refers to them.
    func admit(_ new: Catalog) throws(Obstacle) -> Governed {
        do {
            return try Governed.changed(whole(new), in: groundwork.plane)
        } catch {
            takeBack(to: governed)
            throw Obstacle(reason: "the kernel refused it: \(error)", nothingChanged: true)
        }
    }

    /// Goes back to the entries before a change that has not come about.
    func takeBack(to former: Governed) {
        governed = former
        guard former.fault == nil else { return }
        do {
            try former.restore(groundwork.plane)
        } catch {
            logger.error("cannot go back to the models' entries before", metadata: ["reason": "\(error)"])
        }
    }

    /// Tries again what of the models' entries is not in force.
    func govern() async {
        do {
            let trial = try Governed.changed(whole(catalog), in: groundwork.plane)
            guard trial.slots != governed.slots || governed.fault != nil || governed.isBehind else { return }
        } catch {
            // It has been said why.
            return
        }
        do {
            try await enforce(catalog)
        } catch {
            logger.error("the models' entries are still not in force", metadata: ["reason": "\(error.reason)"])
        }
    }

    /// Gives the kernel who may call what at this hour, if that has changed since.
    func keepAccess() {
        let now = Int64(clamping: Clocks.epochSeconds())
        // The wall clock may have been set, either way.
        guard now >= nextAccessChange || now < accessLooked || now - accessLooked >= 60 else { return }
        governed.reviewAccess(groundwork.plane, epoch: now)
        accessLooked = now
        nextAccessChange = governed.governance.nextAccessChange(after: now) ?? .max
    }

    /// Says what has become of the models' entries: to those who translate slots into names, to the log once, as events.
    func announce() {
        surroundings.names.take(slots: governed.slots)
        for name in governed.takeDroppedOverrides() {
            let detail = "no longer configured: the values set by hand are gone"
            surroundings.hub.publish(EventReport(time: Timestamp.now(), kind: .qosChanged, model: name, detail: detail))
            logger.warning("a model with values set by hand is no longer configured", metadata: ["model": "\(name)"])
        }
        let without =
            governed.without.isEmpty ? nil : "no entry is left for \(governed.without.prefix(8).joined(separator: ", "))"
        let complaint = governed.fault ?? without
        if let complaint, complaint != lastComplaint {
            logger.error("not all models are governed in the kernel", metadata: ["reason": "\(complaint)"])
        }
        lastComplaint = complaint
    }
}
