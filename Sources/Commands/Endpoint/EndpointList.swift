internal import ArgumentParser
internal import Control

struct EndpointList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the endpoints of the models: which are used, which are not and why, and what went there.",
        discussion: """
            An endpoint on standby gets no requests, for its REASON: maintenance, drained, rotated (pool rotate), probe (the \
            agent's questions fail), authentication (it refuses the broker's key), breaker, cooldown (it asked for a \
            pause, or its limits are used up), unresolved or engine (its server does not run: the PHASE says more). RETRY IN is when it is tried again. Of \
            endpoints with a star nothing is used while another is usable. IN FLIGHT has the limit behind it (maxInFlight), with ~ where that is \
            found and not set. TTFB is a mean weighted to the latest. PHASE is of servers that are started on demand: asleep, \
            starting, ready, stopping or failed.

            Where connect() itself chooses (path: direct in the configuration) there is more: WEIGHT and whether it is USABLE, \
            connections OPEN now, connects PICKED for it, and those of them that FAILED. That much needs root, and no agent; but \
            it is the agent that finds out which endpoints are usable.

            Examples:
              modelbroker endpoint list
              modelbroker endpoint list -j | jq '.[] | select(.limit) | {url, inFlight, limit, isAdaptive}'
              modelbroker endpoint list minilm -j | jq '.[] | select(.state == "standby") | {url, reason, detail}'
            """)

    @Argument(help: "Only those of this model.")
    var model: String?

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let endpoints = try Self.all(global)
        guard let model else { return try global.output.show(endpoints, table: EndpointReport.table) }
        let chosen = endpoints.filter { $0.model == model }
        guard !chosen.isEmpty else { throw UnknownName.error("an endpoint of a model", model, among: endpoints.map(\.model)) }
        try global.output.show(chosen, table: EndpointReport.table)
    }

    /// What the agent says, with what the kernel says beside it; without an agent, the latter alone.
    private static func all(_ global: GlobalOptions) throws -> [EndpointReport] {
        let direct = QoSPlane.beside(global.pinDirectory) { plane in try plane.endpoints() }
        do {
            let reports = try global.client.ask(.endpoints, for: [EndpointReport].self)
            return EndpointReport.joined(reports, with: direct ?? [])
        } catch {
            guard let direct else { throw error }
            let reason = if case .notRunning = error { "the agent is not running" } else { error.description }
            Terminal.complain("\(reason); showing what the kernel holds of the direct path")
            return direct
        }
    }
}
