import Admission
import Catalog
import QueueSimulation
import Testing

/// What the queues promise over time, with slots and requests but no sockets.
@Suite struct QueueSimulationTests {
    private static let second = QueueBench.second

    private static func check(_ result: SimResult) {
        #expect(result.faults == [])
        #expect(result.idleSlots == 0, "a slot stayed free though somebody waited")
    }

    private static func threeGroups(_ tokens: [SimTokens]) -> SimSetup {
        var setup = SimSetup([1, 2, 4].map { SimGroup(GroupTerms(name: "g\($0)", weight: $0), .saturating(30)) })
        for group in 0..<3 { setup.groups[group].tokens = tokens[group] }
        return setup
    }

    /// Short prompts and ones fifty times as long, on slots in parallel, in ten seconds.
    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64]) func sharesFollowWeights(seed: UInt64) {
        var setup = Self.threeGroups([.uniform(20...100), .mixed(2, 100, oneIn: 20), .uniform(2...10)])
        (setup.seed, setup.endpoints) = (seed, [8])
        let result = Simulation.run(setup)
        Self.check(result)
        for (group, weight) in [1.0, 2, 4].enumerated() {
            #expect(abs(result.share(group) * 7 / weight - 1) < 0.05, "\(result.groups.map(\.tokens))")
        }
        #expect(result.utilisation > 0.99)
    }

    /// One group's estimates are thirty times too high, another's a third of the truth.
    @Test func sharesFollowWhatRequestsComeTo() {
        var setup = Self.threeGroups([.uniform(5...20), .uniform(10...40), .uniform(5...20)])
        (setup.groups[1].estimate, setup.groups[2].estimate) = (30, 0.34)
        let result = Simulation.run(setup)
        Self.check(result)
        for (group, weight) in [1.0, 2, 4].enumerated() {
            #expect(abs(result.share(group) * 7 / weight - 1) < 0.05, "\(result.groups.map(\.tokens))")
        }
    }

    /// From the third to the sixth second the heaviest group wants nothing.
    @Test func theShareOfTheIdleIsUsedAndComesBack() {
        var setup = Self.threeGroups([.uniform(2...20), .uniform(2...20), .uniform(2...20)])
        setup.groups[2].active = [0..<3 * Self.second, 6 * Self.second..<10 * Self.second]
        // Its queue is short, so that it is empty at once.
        setup.groups[2].arrivals = .saturating(4)
        let result = Simulation.run(setup)
        Self.check(result)
        func part(_ group: Int, _ tenths: Range<Int>) -> Double {
            func sum(_ group: Int) -> Double { Double(result.groups[group].grantedByTenth[tenths].reduce(0, +)) }
            return sum(group) / (0..<3).reduce(0) { $0 + sum($1) }
        }
        #expect(abs(part(2, 5..<30) - 4.0 / 7) < 0.03 && part(2, 31..<60) < 0.001)
        // A tenth of a second later all of it is the others', and as long after it is back everything is as before.
        #expect(abs(part(1, 31..<60) - 2.0 / 3) < 0.03 && abs(part(1, 31..<36) - 2.0 / 3) < 0.1)
        #expect(abs(part(2, 60..<62) - 4.0 / 7) < 0.1 && abs(part(2, 61..<95) - 4.0 / 7) < 0.03)
        #expect(result.utilisation > 0.99)
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func aFloodOfBatchDoesNotHinderTheUrgent(seed: UInt64) {
        var setup = SimSetup([
            SimGroup(GroupTerms(name: "critical", level: 10), .poisson(16)),
            SimGroup(GroupTerms(name: "batch", level: GroupTerms.batchLevel), .poisson(800)),
        ])
        (setup.seed, setup.duration) = (seed, 40 * Self.second)
        let result = Simulation.run(setup)
        Self.check(result)
        #expect(result.groups[0].wait(99) < 120_000 && result.groups[0].full + result.groups[0].hopeless == 0)
        #expect(result.groups[0].completed > 550 && result.utilisation > 0.99, "batch gets all that is left")
        #expect(result.groups[1].longestDrought < 5 * Self.second)
        // Nobody waits only to be told that it was in vain.
        #expect(result.groups[1].expired == 0)
    }

    @Test func nothingStarvesPastItsBound() {
        var setup = SimSetup(
            (0..<6).map {
                SimGroup(GroupTerms(name: "l\($0)", level: $0, queue: QueuePolicy(ageing: 1000)), .saturating(10))
            })
        (setup.endpoints, setup.duration) = ([2, 2], 30 * Self.second)
        let result = Simulation.run(setup)
        Self.check(result)
        for group in result.groups { #expect(group.longestDrought < 2 * Self.second, "\(group.name)") }
        #expect(result.share(5) > 0.75, "the order stands")
    }

    @Test func aReservedShareIsThereWhenItIsWanted() {
        var setup = SimSetup([
            SimGroup(GroupTerms(name: "default"), .saturating(50)),
            SimGroup(GroupTerms(name: "gold", isReclaimable: false), .poisson(10)),
        ])
        setup.duration = 60 * Self.second
        let result = Simulation.run(setup)
        #expect(result.faults == [])
        // Half of eight slots, of which one is used on average.
        #expect(result.groups[1].wait(90) == 0 && result.groups[1].completed > 500)
        #expect(result.groups[0].completed > 2300 && result.groups[0].completed < 2500)
    }
}
