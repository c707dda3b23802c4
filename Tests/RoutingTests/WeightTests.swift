import Catalog
import Routing
import Testing

@Suite struct WeightTests {
    /// A pool's members by weight, each with endpoints of these weights; -1: an endpoint that is out.
    static func ground(_ members: [(weight: UInt16, endpoints: [Int])]) -> (Ground, expected: [Double]) {
        var models: [Model] = []
        var parts: [Double] = []
        var out: [Int] = []
        for (number, member) in members.enumerated() {
            let sum = Double(member.endpoints.filter { $0 > 0 }.reduce(0, +))
            let endpoints = member.endpoints.map { weight in
                defer { parts.append(sum == 0 ? 0 : Double(member.weight) * Double(max(0, weight)) / sum) }
                if weight < 0 { out.append(parts.count) }
                return Ground.endpoint(parts.count, weight: UInt16(max(1, abs(weight))))
            }
            models.append(Model(name: "m\(number)", endpoints: endpoints))
        }
        let pool = Pool(
            name: "p", models: members.enumerated().map { .init(model: "m\($0)", weight: $1.weight) },
            routing: RoutingPolicy(strategy: .weighted))
        var ground = Ground(Catalog(models: models, pools: [pool]))
        var standings: [Int: (inout Standing) -> Void] = [:]
        for index in out { standings[index] = { $0.isDrained = true } }
        ground.stand(standings)
        let total = parts.reduce(0, +)
        return (ground, parts.map { $0 / total })
    }

    static func check(_ members: [(weight: UInt16, endpoints: [Int])], requests: Int = 1_000) {
        var (ground, expected) = ground(members)
        var counts = Array(repeating: 0, count: expected.count)
        for _ in 0..<requests { counts[ground.request() ?? 0] += 1 }
        for (count, part) in zip(counts, expected) {
            #expect(abs(Double(count) / Double(requests) - part) <= 0.02, "\(members): \(counts) for \(expected)")
        }
    }

    @Test func aCanaryHasItsPartWhateverTheEndpoints() {
        Self.check([(95, [1, 1, 1]), (5, [7])])
        Self.check([(95, [1, -1, 1]), (5, [7])])
        Self.check([(1, [1]), (1, [1, 1, 1, 1])])
        Self.check([(3, [2, 1]), (1, [5, -3, 5])])
    }

    @Test func randomWeightsConverge() {
        var random = Random(seed: 7)
        for _ in 0..<150 {
            let members = (0..<1 + random.below(4)).map { _ in
                (
                    weight: UInt16(1 + random.below(100)),
                    endpoints: [1 + random.below(9)]
                        + (0..<random.below(4)).map { _ in random.below(4) == 0 ? -1 : 1 + random.below(9) }
                )
            }
            Self.check(members, requests: 400)
        }
    }

    /// Parts hold while endpoints come and go, too.
    @Test func convergeAgainAfterEachChange() {
        var (ground, _) = Self.ground([(6, [1]), (3, [1]), (1, [1])])
        var random = Random(seed: 3)
        let weights = [6.0, 3.0, 1.0]
        for _ in 0..<60 {
            let out = random.below(4)
            ground.stand(out < 3 ? [out: { $0.isDrained = true }] : [:])
            var counts = [0.0, 0.0, 0.0]
            for _ in 0..<500 { counts[ground.request() ?? 0] += 1 }
            let total = weights.indices.filter { $0 != out }.map { weights[$0] }.reduce(0, +)
            for index in 0..<3 {
                let part = index == out ? 0 : weights[index] / total
                #expect(abs(counts[index] / 500 - part) <= 0.02, "\(counts) without \(out)")
            }
        }
    }

    @Test(arguments: [Strategy.weighted, .roundRobin, .priority, .leastInFlight])
    func aWeightOfZeroIsALastResort(strategy: Strategy) {
        let model = Model(
            name: "m", endpoints: [Ground.endpoint(0, weight: 0), Ground.endpoint(1), Ground.endpoint(2, weight: 0)],
            fallback: [Ground.endpoint(3)], routing: RoutingPolicy(strategy: strategy))
        var ground = Ground(Catalog(models: [model]))
        #expect(Set((0..<20).map { _ in ground.request() }) == [1])
        ground.stand([1: { $0.isDrained = true }])
        let others = Set((0..<20).map { _ in ground.request() })
        #expect(others.isSubset(of: [0, 2]) && !others.isEmpty)
    }

    @Test func anEndpointsAddressesShareItsWeight() {
        let many = Ground.endpoint(0) { endpoint in
            endpoint.addresses = (0..<4).map { SocketAddress(ip: IPAddress(v4: 127, 2, 0, UInt8($0)), port: 9000) }
        }
        let model = Model(name: "m", endpoints: [many, Ground.endpoint(1)], routing: RoutingPolicy(strategy: .weighted))
        var ground = Ground(Catalog(models: [model]))
        var counts = [0, 0]
        for _ in 0..<80 { counts[ground.request() ?? 0] += 1 }
        #expect(counts == [40, 40])
    }
}
