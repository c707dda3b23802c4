import Admission
import Catalog
import Glibc
import QueueSimulation

/// One situation, and what must come of it.
struct Scenario {
    struct Report {
        var text: String
        var holds: Bool
    }

    var name: String
    var setup: SimSetup
    /// What does not hold, in words.
    var faults: (SimResult) -> [String]

    static var all: [Scenario] { [million, lengths, flood, tiers] }

    func run(seed: UInt64) -> Report {
        var setup = setup
        setup.seed = seed
        // Of the processor: what others do on the machine does not count.
        let begun = clock()
        let result = Simulation.run(setup)
        let took = Double((clock() - begun) * 100 / CLOCKS_PER_SEC) / 100
        var found = result.faults + faults(result)
        if result.idleSlots > 0 { found.append("\(result.idleSlots) times a slot stayed free though somebody waited") }
        let seconds = setup.duration / 1_000_000_000
        var lines = ["\(name): \(result.requests) requests in \(seconds) s of the model's time, \(took) s of ours"]
        lines += result.groups.indices.map { line(result, $0) }
        lines += found.map { "  FAULT: \($0)" }
        return Report(text: lines.joined(separator: "\n"), holds: found.isEmpty)
    }

    private func line(_ result: SimResult, _ index: Int) -> String {
        let group = result.groups[index]
        return
            "  \(group.name): \(percent(result.share(index))) of the tokens, \(group.completed) of \(group.arrived) completed, "
            + "waited p50 \(group.wait(50) / 1000) ms p99 \(group.wait(99) / 1000) ms, nothing for \(group.longestDrought / 1_000_000) ms, "
            + "full \(group.full), hopeless \(group.hopeless), shed \(group.shed), expired \(group.expired)"
    }

    private func percent(_ value: Double) -> String { "\(Double(Int(value * 1000)) / 10) %" }

    /// Shares that differ from the weights' by more than 5 of 100.
    static func unfair(_ result: SimResult, _ weights: [Double]) -> [String] {
        let sum = weights.reduce(0, +)
        return weights.indices.compactMap { index in
            let part = result.share(index) * sum / weights[index]
            return abs(part - 1) > 0.05 ? "\(result.groups[index].name) got \(part) of its part" : nil
        }
    }

    // MARK: - Situations

    /// A million requests of three groups for an engine of 64 slots.
    private static var million: Scenario {
        var setup = SimSetup([
            SimGroup(GroupTerms(name: "one", weight: 1), .poisson(4_000), .uniform(1...40)),
            SimGroup(GroupTerms(name: "two", weight: 2), .poisson(4_000), .uniform(1...40)),
            SimGroup(GroupTerms(name: "four", weight: 4), .poisson(4_000), .uniform(1...40)),
        ])
        setup.model.queue = QueuePolicy(length: 3000)
        setup.endpoints = [16, 16, 16, 16]
        setup.duration = 84_000_000_000
        return Scenario(name: "a million requests, weights 1:2:4", setup: setup) { unfair($0, [1, 2, 4]) }
    }

    /// Prompts of very different length, whose length is misjudged.
    private static var lengths: Scenario {
        var groups = [
            SimGroup(GroupTerms(name: "one, long", weight: 1), .saturating(50), .uniform(200...400)),
            SimGroup(GroupTerms(name: "two, mixed", weight: 2), .saturating(50), .mixed(20, 400, oneIn: 10)),
            SimGroup(GroupTerms(name: "four, short and misjudged", weight: 4), .saturating(50), .uniform(5...20)),
        ]
        groups[2].estimate = 40
        var setup = SimSetup(groups)
        setup.endpoints = [16]
        setup.duration = 60_000_000_000
        return Scenario(name: "prompts of different length", setup: setup) { unfair($0, [1, 2, 4]) }
    }

    /// Something urgent at a fifth of the capacity, and ten times the capacity of batch work.
    private static var flood: Scenario {
        var setup = SimSetup([
            SimGroup(GroupTerms(name: "critical", level: 100), .poisson(16)),
            SimGroup(GroupTerms(name: "batch", level: GroupTerms.batchLevel), .poisson(800)),
        ])
        setup.duration = 600_000_000_000
        return Scenario(name: "a flood of batch requests", setup: setup) { result in
            (result.groups[0].wait(99) > 120_000 ? ["critical requests wait for more than 1.2 times 100 ms"] : [])
                + (result.utilisation < 0.99 ? ["used only \(result.utilisation)"] : [])
        }
    }

    /// Levels that want more than there is: the lower ones get what age gives them.
    private static var tiers: Scenario {
        var setup = SimSetup(
            (0..<8).map {
                SimGroup(GroupTerms(name: "level \($0)", level: $0, queue: QueuePolicy(length: 500)), .saturating(20))
            })
        setup.endpoints = [4, 4]
        setup.duration = 600_000_000_000
        return Scenario(name: "eight levels that each want everything", setup: setup) { result in
            result.groups.filter { $0.longestDrought > 6_000_000_000 }.map { "\($0.name) got nothing for longer than its bound" }
        }
    }
}

/// The search for the limit of an engine whose capacity changes.
enum LimitScenario {
    static func run(seed: UInt64) -> Scenario.Report {
        var lines = ["the limit of an engine that serves 8, then 32, then 4 at once, in 10 s each"]
        var holds = true
        for (name, service, counts) in [
            ("100 ms", MockServer.Service.fixed(1e8), true), ("70 to 130 ms", .uniform(7e7...1.3e8), true),
            // So much noise that ten seconds do not always do: shown, not demanded.
            ("20 ms and more, 100 ms on average", .exponential(2e7, 8e7), false),
        ] {
            var server = MockServer(capacity: 8, service: service, seed: seed)
            var controller = LimitController(AdaptiveLimit())
            var found: [UInt32] = []
            for capacity in [8, 32, 4] {
                server.capacity = capacity
                let last = server.run(10_000_000_000, &controller).last ?? 0
                found.append(last)
                if counts, abs(Double(last) / Double(capacity) - 1) > 0.2 { holds = false }
            }
            lines.append("  \(name): \(found)")
        }
        return Scenario.Report(text: lines.joined(separator: "\n"), holds: holds)
    }
}
