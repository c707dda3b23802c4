internal import Control
internal import ControlCoding

/// The data of the live page. However many browsers look, the broker is asked twice a second at most.
actor LiveFeed {
    private static let fresh = Duration.milliseconds(500)

    private let gather: @Sendable () async -> LiveReport
    private var asked = ContinuousClock.now
    private var answer: Task<[UInt8], Never>?

    init(gather: @escaping @Sendable () async -> LiveReport) { self.gather = gather }

    /// As one JSON object.
    func json() async -> [UInt8] {
        if let answer, ContinuousClock.now - asked < Self.fresh { return await answer.value }
        let task = Task { [gather] in
            let report = await gather()
            // What can't be written (an agent of another time) is no reason for a page without an end.
            return (try? ControlLine.json(report, pretty: false)) ?? Array("{}\n".utf8)
        }
        answer = task
        asked = .now
        return await task.value
    }
}

extension Broker {
    func live() async -> LiveReport {
        let status = await status()
        let isBearable = (status.proxy.openConnections ?? 0) <= LiveReport.flowsWorthAsking
        return LiveReport(
            time: Clocks.epochSeconds() * 1000, obstacle: await readiness().obstacle, status: status, models: await models(),
            pools: await pools(), endpoints: await endpoints(), queues: (try? await queues()) ?? [], clients: await clients(),
            captures: captures(), flows: isBearable ? try? await flows(model: nil, client: nil) : nil)
    }
}
