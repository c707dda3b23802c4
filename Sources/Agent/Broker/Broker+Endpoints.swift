internal import Catalog
internal import KernelPlane
internal import Logging

extension Broker {
    /// Gives the kernel the endpoints of a catalogue's models on the path direct, before the rules that lead there.
    func applyEndpoints(_ new: Catalog) throws(Obstacle) {
        let usable = surroundings.prober.usable
        do {
            try surroundings.endpoints.apply(whole(new), governed.slots, usable: usable)
        } catch {
            throw Obstacle(reason: "the kernel refused the endpoints: \(error)")
        }
    }

    /// Takes the endpoints away to which no rule leads any more, and has the others watched.
    func settleEndpoints() {
        do {
            surroundings.prober.watch(try surroundings.endpoints.settle())
            endpointsComplaint = nil
        } catch {
            complain(ofEndpoints: "\(error)")
        }
    }

    /// Tries again what of the endpoints is not in force, without touching anything else.
    func bringEndpoints() {
        do {
            try applyEndpoints(catalog)
            settleEndpoints()
        } catch {
            complain(ofEndpoints: error.reason)
        }
    }

    /// Has the endpoints of the configuration in force asked how they are and what they have.
    func survey() async {
        surroundings.discoveries.adopt(catalog)
        let whole = whole(catalog)
        surroundings.standings.adopt(whole)
        surroundings.inquiries.adopt(whole)
        surroundings.audit.adopt(catalog.audit)
        surroundings.exports.adopt(catalog.node)
        await adoptEngines(whole)
    }

    /// Starts and stops servers, which may take a while.
    func adoptEngines(_ whole: Catalog) async {
        let engines = surroundings.engines
        await BackgroundThread.run("engines") { engines.adopt(whole) }
    }

    /// Puts models into force that were discovered, and takes those out that vanished.
    func register() async {
        do {
            try await enforce(catalog)
            isDiscoveryBehind = false
        } catch {
            if !isDiscoveryBehind {
                logger.error("cannot register discovered models", metadata: ["reason": "\(error.reason)"])
            }
            isDiscoveryBehind = true
        }
    }

    private func complain(ofEndpoints reason: String) {
        if endpointsComplaint != reason {
            logger.error("the path direct is not up to date", metadata: ["reason": "\(reason)"])
        }
        endpointsComplaint = reason
    }
}
