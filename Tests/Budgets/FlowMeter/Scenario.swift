import Flow

/// What the meter can do `count` times.
enum Scenario: String, CaseIterable {
    /// Requests for a model of the catalogue, to a pooled connection.
    case request
    /// Events of one stream.
    case event
    /// Requests for a model that the catalogue does not have, relayed to the address dialled.
    case relay

    /// The flow after it; nil when it did not do what it was to do.
    func run(count: Int) -> FlowRun? {
        var run = FlowRun()
        switch self {
        case .request: exchange(&run, Sample.request(model: Sample.model), count)
        case .relay: exchange(&run, Sample.request(model: "elsewhere"), count)
        case .event: stream(&run, count)
        }
        return isRight(run, count) ? run : nil
    }

    private func exchange(_ run: inout FlowRun, _ request: [UInt8], _ count: Int) {
        for _ in 0..<count {
            run.receive(.client, request)
            run.receive(.upstream, Sample.answer)
        }
    }

    private func stream(_ run: inout FlowRun, _ count: Int) {
        run.receive(.client, Sample.request(model: Sample.model))
        run.receive(.upstream, Sample.streamHead)
        for _ in 0..<count { run.receive(.upstream, Sample.event) }
    }

    /// Every body went through, and over as many connections as it should.
    private func isRight(_ run: FlowRun, _ count: Int) -> Bool {
        let answers = self == .event ? Sample.event.count * count : Sample.answer.count * count
        let requests = self == .event ? 1024 : 1024 * count
        let connects = self == .request ? count : 1
        return !run.isUpset && run.toClient >= answers && run.toUpstream >= requests && run.connects == connects
    }
}
