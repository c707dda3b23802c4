import Catalog
import Flow

/// What the meter can do `count` times.
enum Scenario: String, CaseIterable {
    /// Requests for a model of the catalogue, to a pooled connection.
    case request
    /// Events of one stream.
    case event
    /// Requests for a model that the catalogue does not have, relayed to the address dialled.
    case relay
    /// As `request`, with a prompt of 300 KiB of plain words, and of code with its escapes.
    case prompt, code
    /// Requests for a model that has an entry, which limits nothing.
    case slotted
    /// Requests for a model whose requests and tokens are limited.
    case limited
    /// Events of a stream whose tokens are limited; of one that was asked for its usage, which the caller is not to see.
    case tokens, withheld
    /// As `request`, of a client that proves itself by a key and whose requests and tokens are limited; with an audit line;
    /// with spans.
    case keyed, audited, traced
    /// Requests for a model that takes none, many in a second.
    case refused

    private static let promptSize = 300 << 10
    private static let readSize = 64 << 10

    private var qos: QoS? {
        switch self {
        case .request, .event, .relay, .prompt, .code, .keyed, .audited, .traced: nil
        case .slotted: QoS()
        case .limited, .tokens, .withheld: Sample.limits
        case .refused: Sample.never
        }
    }

    /// The flow after it; nil when it did not do what it was to do.
    func run(count: Int) -> FlowRun? {
        var run = FlowRun(
            qos, tick: self == .refused ? 1000 : 1_000_000, isKeyed: self == .keyed, isAudited: self == .audited,
            isTraced: self == .traced)
        switch self {
        case .refused:
            let request = Sample.request(model: Sample.model)
            for _ in 0..<count { run.receive(.client, request) }
        case .request, .slotted, .limited, .keyed, .audited, .traced: exchange(&run, Sample.request(model: Sample.model), count)
        case .relay: exchange(&run, Sample.request(model: "elsewhere"), count)
        case .prompt: exchange(&run, Sample.request(model: Sample.model, size: Self.promptSize), count)
        case .code: exchange(&run, Sample.request(model: Sample.model, size: Self.promptSize, prompt: Sample.code), count)
        case .event, .tokens, .withheld: stream(&run, count)
        }
        return isRight(run, count) ? run : nil
    }

    private func exchange(_ run: inout FlowRun, _ request: [UInt8], _ count: Int) {
        for _ in 0..<count {
            // As much at once as an event loop reads.
            for start in stride(from: 0, to: request.count, by: Self.readSize) {
                run.receive(.client, request, start..<min(start + Self.readSize, request.count))
            }
            run.receive(.upstream, Sample.answer)
        }
    }

    private func stream(_ run: inout FlowRun, _ count: Int) {
        run.receive(.client, Sample.request(model: Sample.model, isStream: self == .withheld))
        run.receive(.upstream, Sample.streamHead)
        for _ in 0..<count { run.receive(.upstream, Sample.event) }
    }

    /// Every body went through, and over as many connections as it should.
    private func isRight(_ run: FlowRun, _ count: Int) -> Bool {
        if self == .refused { return !run.isUpset && run.toClient > 100 * count && run.toUpstream == 0 && run.connects == 0 }
        let isStream = [.event, .tokens, .withheld].contains(self)
        let answers = isStream ? Sample.event.count * count : Sample.answer.count * count
        let size = self == .prompt || self == .code ? Self.promptSize : 1024
        let requests = isStream ? 1024 : size * count
        let connects = isStream || self == .relay ? 1 : count
        return !run.isUpset && run.toClient >= answers && run.toUpstream >= requests && run.connects == connects
    }
}
