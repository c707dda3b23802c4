internal import Catalog
internal import KernelPlane
internal import Logging

extension Broker {
    /// How long streams may still run when the broker is taken away.
    private static let farewell = Duration.milliseconds(4500)
    /// How long servers that the agent has started may take to end, whatever they are granted otherwise.
    private static let engineFarewell = Duration.milliseconds(2500)

    /// Takes the broker out of the node: programs and pins, the proxy, its addresses and cgroups. New connections go where
    /// they are dialled to from the first step on.
    ///
    /// - Throws: when the programs cannot be removed; then all stays as it is.
    func detach() async throws(AgentError) {
        guard !detached else { throw AgentError("the agent is detaching already") }
        do {
            for removed in try PlaneRemoval.detach(pinDirectory: groundwork.options.pinDirectory) {
                logger.info("removed", metadata: ["what": "\(removed)"])
            }
        } catch {
            throw AgentError("\(error)")
        }
        detached = true
        await surroundings.supervisor.retire(limit: Self.farewell)
        // Behind the proxy: what was under way at them has ended, or has been given up.
        await surroundings.engines.retire(limit: Self.engineFarewell)
        for address in podAddresses { PodAddresses.remove(address) }
        withdrawQdisc()
        groundwork.broker.leave(mount: groundwork.mount)
        let left = BrokerCgroup.remove(groundwork.broker.all + ProxyProgram.places(below: groundwork.broker.path))
        if !left.isEmpty { logger.warning("could not remove cgroups", metadata: ["left": "\(left.joined(separator: " "))"]) }
    }
}
