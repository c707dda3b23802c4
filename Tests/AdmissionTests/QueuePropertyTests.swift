import Admission
import Catalog
import QueueSimulation
import Testing

/// Random sequences beside a list of who waits that is kept in the simplest way.
@Suite struct QueuePropertyTests {
    private struct Waiting {
        var ask: TicketAsk
        var order: Int
        var models: Set<Int32>
    }

    private struct Sequence {
        var random: SimRandom
        var bench: QueueBench
        var waiting: [TicketID: Waiting] = [:]
        var order = 0
        var granted: Set<UInt64> = []
        /// Grants since the last one of a lower level than there was.
        var sinceAged = [4, 4, 4]
        let policy: QueuePolicy

        init(seed: UInt64) {
            random = SimRandom(seed: seed)
            policy = QueuePolicy(
                length: UInt32(random.below(40)) + 1, bytes: UInt64(random.below(4000)) + 500,
                ageing: random.below(3) * 400)
            bench = QueueBench(
                [
                    GroupTerms(name: "default", weight: 3), GroupTerms(name: "a", level: 7, weight: 1),
                    GroupTerms(name: "b", level: 7, weight: 5), GroupTerms(name: "n", level: GroupTerms.batchLevel),
                ], queue: policy, models: 3)
        }

        mutating func step() {
            bench.now += UInt64(random.below(50)) * QueueBench.millisecond
            switch random.below(10) {
            case 0..<4: enter()
            case 4..<8: grant()
            case 8: leave()
            default: random.below(20) == 0 ? adopt() : look()
            }
            check()
        }

        private func isLowered(_ ask: TicketAsk) -> Bool { ask.level < bench.groups[ask.group].level }

        private func isInLine(_ one: TicketAsk, _ other: TicketAsk) -> Bool {
            one.group == other.group && isLowered(one) == isLowered(other)
        }

        private mutating func enter() {
            bench.owner += 1
            let group = random.below(4)
            let choices = (0...random.below(4)).map { _ in (Int32(random.below(5)), Int32(random.below(3))) }
            let ask = bench.ask(
                group, level: random.below(5) == 0 ? GroupTerms.batchLevel : nil, cost: UInt64(random.below(1000)) + 1,
                bytes: UInt64(random.below(300)), arrival: bench.now - UInt64(random.below(2)) * QueueBench.second,
                at: choices.map { (endpoint: $0.0, model: $0.1) })
            let (answer, evicted) = bench.scheduler.enter(ask, now: bench.now)
            for eviction in evicted {
                let victim = waiting.removeValue(forKey: eviction.ticket)
                #expect(victim?.ask.owner == eviction.owner)
                if let victim { #expect(level(victim.ask) <= level(ask)) }
            }
            guard case .waiting(let ticket) = answer else { return #expect(evicted.isEmpty) }
            order += 1
            #expect(waiting[ticket] == nil)
            let models = Set(choices.map(\.1)).filter { _ in true }
            waiting[ticket] = Waiting(ask: ask, order: order, models: models)
        }

        private func level(_ ask: TicketAsk) -> Int32 { isLowered(ask) ? GroupTerms.batchLevel : ask.level }

        private func accepts(_ ask: TicketAsk, _ endpoint: Int32, _ model: Int32) -> Bool {
            (0..<ask.endpoints.count).contains { ask.endpoints[$0] == EndpointChoice(number: endpoint, model: model) }
        }

        private mutating func grant() {
            let (endpoint, model) = (Int32(random.below(5)), Int32(random.below(3)))
            let there = waiting.filter { accepts($0.value.ask, endpoint, model) }
            guard let grant = bench.scheduler.next(model: model, endpoint: endpoint, limit: 10, now: bench.now) else {
                // Whoever waits there was entered for another of his models only.
                return #expect(there.values.allSatisfy { $0.models.count > 1 })
            }
            guard let got = waiting.removeValue(forKey: grant.ticket) else {
                return #expect(Bool(false), "it did not wait")
            }
            #expect(got.ask.owner == grant.owner && accepts(got.ask, endpoint, model))
            #expect(granted.insert(grant.owner).inserted, "granted twice")
            // Those that stand in all of their models' queues stand in this one.
            let certain = there.values.filter { $0.models.count == 1 && $0.order != got.order }
            for other in certain where isInLine(other.ask, got.ask) {
                #expect((got.ask.arrival, got.order) < (other.ask.arrival, other.order), "it was not the first in its line")
            }
            sinceAged[Int(model)] += 1
            if certain.contains(where: { level($0.ask) > level(got.ask) }) {
                #expect(policy.ageing < 1000 && sinceAged[Int(model)] >= 4, "age came too often")
                sinceAged[Int(model)] = 0
            }
            bench.scheduler.settle(
                model: model, group: grant.group, estimated: grant.cost, real: UInt64(random.below(2000)), now: bench.now)
            bench.scheduler.ended(model: model, group: grant.group)
        }

        private mutating func leave() {
            guard
                let ticket = waiting.keys.sorted(by: { $0.index < $1.index }).dropFirst(random.below(max(1, waiting.count))).first
            else { return }
            waiting[ticket] = nil
            #expect(bench.leave(ticket) == true)
            #expect(bench.leave(ticket) == false)
        }

        /// One model less, or one group; then all of them again.
        private mutating func adopt() {
            sinceAged[2] = 4
            for whole in [false, true] {
                let dropsModel = random.below(2) == 0
                let groups = whole || dropsModel ? bench.groups : Array(bench.groups.dropLast())
                let models = (0..<(whole || !dropsModel ? 3 : 2)).map {
                    QueueTerms(number: Int32($0), name: "m\($0)", queue: policy)
                }
                for eviction in bench.scheduler.adopt(groups: groups, models: models, now: bench.now) {
                    let gone = waiting.removeValue(forKey: eviction.ticket)
                    #expect(gone.map { $0.models.contains(2) || $0.ask.group == 3 } == true, "it could have stayed")
                }
            }
        }

        private func look() {
            for figures in bench.scheduler.figures(now: bench.now) { #expect(figures.bytes <= policy.bytes) }
            for ticket in waiting.keys { #expect(bench.scheduler.isWaiting(ticket)) }
        }

        private func check() {
            #expect(bench.scheduler.count == waiting.count)
            for model in Int32(0)..<3 { #expect(bench.scheduler.waiting(model: model) <= Int(policy.length)) }
        }
    }

    @Test(arguments: 1...30 as ClosedRange<UInt64>) func nobodyIsLostOrServedTwice(seed: UInt64) {
        var sequence = Sequence(seed: seed)
        for _ in 0..<1500 { sequence.step() }
        #expect(sequence.granted.count > 50)
    }

    /// Whoever comes and goes, in whatever order, leaves nothing behind.
    @Test func tenThousandComeAndGo() throws {
        var bench = QueueBench(queue: QueuePolicy(length: 20_000, bytes: 20_000 << 20))
        var random = SimRandom(seed: 9)
        var tickets: [TicketID] = []
        for _ in 0..<10_000 {
            bench.now += 1000
            guard case .waiting(let ticket) = bench.enter(bytes: 1 << 20, at: [(0, 0), (1, 0)]).0 else { continue }
            tickets.append(ticket)
        }
        #expect(tickets.count == 10_000 && bench.figures()?.bytes == 10_000 << 20)
        tickets.shuffle(using: &random)
        for ticket in tickets.prefix(5_000) { #expect(bench.leave(ticket) == true) }
        #expect(bench.scheduler.waiting(model: 0) == 5_000)
        let owners = bench.grants(endpoint: 0)
        #expect(owners.count == 5_000 && owners == owners.sorted())
        #expect(bench.scheduler.count == 0 && bench.figures()?.bytes == 0)
        let places = bench.scheduler.places
        for _ in 0..<10_000 { bench.enter(at: [(0, 0), (1, 0)]) }
        _ = bench.grants(endpoint: 1)
        #expect(bench.scheduler.places == places, "memory is used again")
    }

    @Test func aReloadKeepsPlacesAndAccounts() throws {
        var bench = QueueBench([GroupTerms(name: "default"), GroupTerms(name: "b"), GroupTerms(name: "c")], models: 2)
        for group in [0, 1, 2, 0, 1, 2] { bench.ticket(group) }
        bench.ticket(1, at: [(5, 1)])
        bench.scheduler.began(model: 0, group: 1)
        let evicted = bench.scheduler.adopt(
            groups: [GroupTerms(name: "default"), GroupTerms(name: "new"), GroupTerms(name: "b", weight: 2)],
            models: [QueueTerms(number: 0, name: "renamed")], now: bench.now)
        #expect(evicted.map(\.owner) == [3, 6, 7])
        #expect(evicted.allSatisfy { !bench.scheduler.isWaiting($0.ticket) })
        #expect(bench.figures("b")?.inFlight == 1 && bench.figures("b")?.waiting == 2 && bench.figures("b")?.model == "renamed")
        #expect(bench.scheduler.waiting(model: 1) == 0 && bench.grants().sorted() == [1, 2, 4, 5])
    }
}
