import Catalog
import Glibc
import KernelPlane
import Testing

extension KernelSuite {
    @Suite struct DirectPickTests {
        @Test func heldConnectionsFollowTheWeights() throws {
            try TestGround.with { ground in
                let direct = try DirectGround(ground, weights: [1, 2, 3])
                let app = try ground.peer("app")
                #expect(try app("hold('k', '127.70.0.1', \(direct.port), 60)") == "ok")
                #expect(try direct.open() == [10, 20, 30])
                #expect(try direct.picked() == [10, 20, 30])
                #expect(try direct.governed.broker.counter("endpoint_picked") == 60)
                try app("let('k', 30)")
                try app("hold('l', '127.70.0.1', \(direct.port), 30)")
                #expect(try eventually { try direct.open() == [10, 20, 30] })
                try app("[close(k) for k in list(socks)]")
                #expect(try eventually { try direct.open() == [0, 0, 0] })
                #expect(try direct.governed.qos().open == 0)
            }
        }

        @Test func equalsShareEvenWhenNothingIsHeld() throws {
            try TestGround.with { ground in
                let direct = try DirectGround(ground, weights: [1, 1, 1])
                let app = try ground.peer("app")
                let seen = pairs(try app("hammer('127.70.0.1', \(direct.port), 0.5, 0, least=300)"))
                #expect((seen["ok"] ?? 0) >= 300 && Set(seen.keys) == hammerTimes.union(["ok"]), "\(seen)")
                let picked = try direct.picked()
                #expect(picked.reduce(0, +) == UInt64(seen["ok"] ?? 0))
                #expect(picked.allSatisfy { Double($0) > (seen["ok"] ?? 0) / 5 }, "\(picked)")
                #expect(try eventually { try direct.open() == [0, 0, 0] })
            }
        }

        @Test func connectsThatComeTogetherShareExactly() throws {
            try TestGround.with { ground in
                let direct = try DirectGround(ground, weights: [1, 1])
                let apps = try (0..<4).map { _ in try ground.peer("app") }
                for app in apps { try app.start("hold('k', '127.70.0.1', \(direct.port), 50)") }
                for app in apps { #expect(try app.answer() == "ok") }
                let open = try direct.open()
                #expect(open.reduce(0, +) == 200)
                #expect(open.allSatisfy { (98...102).contains($0) }, "\(open)")
            }
        }

        @Test func theUnusableIsNeverChosen() throws {
            try TestGround.with { ground in
                let direct = try DirectGround(ground, weights: [1, 100, 1])
                let app = try ground.peer("app")
                try direct.setUsable(false, 1)
                #expect(try app("hold('k', '127.70.0.1', \(direct.port), 40)") == "ok")
                #expect(try direct.open() == [20, 0, 20])
                try direct.setUsable(true, 1)
                #expect(try app("hold('l', '127.70.0.1', \(direct.port), 40)") == "ok")
                #expect(try direct.open() == [20, 40, 20])
            }
        }

        @Test func whoFailsRestsForASecond() throws {
            try TestGround.with { ground in
                let direct = try DirectGround(ground, weights: [1, 1])
                let app = try ground.peer("app")
                try direct.engines("silence('e1')")
                #expect(try eventually { try app.connect("c", "127.70.0.1", direct.port) == "error ECONNREFUSED" })
                let first = try direct.readings()[1]
                #expect(first.failed == 1 && first.open == 0 && first.nanosecondsSinceFailure != nil)

                // A second that is over before the machine has made these connects says nothing: then once more.
                for attempt in 1...5 {
                    #expect(try eventually { try (direct.readings()[1].nanosecondsSinceFailure ?? 0) > 1_000_000_000 })
                    let before = try direct.readings()[1]
                    let began = ContinuousClock.now
                    // Now it is tried again, and rests again.
                    let answers = try ["a", "b"].map { try app.connect($0, "127.70.0.1", direct.port) }
                    let held = try app("hold('k', '127.70.0.1', \(direct.port), 30)")
                    let took = ContinuousClock.now - began
                    let after = try direct.readings()[1]
                    try app("[close(k) for k in list(socks)]")
                    #expect(try eventually { try direct.open() == [0, 0] })
                    guard took < .milliseconds(900) || attempt == 5 else { continue }
                    #expect(answers.sorted() == ["error ECONNREFUSED", "ok"] && held == "ok")
                    #expect(after.failed == before.failed + 1 && after.picked == before.picked + 1, "\(took)")
                    #expect((after.nanosecondsSinceFailure ?? .max) < 1_000_000_000)
                    break
                }
            }
        }

        @Test func aFailureIsForgottenWithASuccess() throws {
            try TestGround.with { ground in
                let direct = try DirectGround(ground, weights: [1])
                let app = try ground.peer("app")
                try direct.engines("silence('e0')")
                // With nobody else there, even the one that rests is tried.
                for _ in 0..<3 { #expect(try app.connect("c", "127.70.0.1", direct.port) == "error ECONNREFUSED") }
                #expect(try direct.readings()[0].failed == 3)
                let port = direct.endpoints[0].address.port
                #expect(try direct.engines("listen('e0', '127.0.0.1', \(port))") == "\(port)")
                #expect(try app.connect("c", "127.70.0.1", direct.port) == "ok")
                let reading = try direct.readings()[0]
                #expect(reading.failed == 3 && reading.picked == 4 && reading.nanosecondsSinceFailure == nil)
            }
        }

        @Test(arguments: [CaptureRule.WhenProxyDown.direct, .refuse])
        func withoutAnEndpointTheRuleDecides(_ whenDown: CaptureRule.WhenProxyDown) throws {
            try TestGround.with { ground in
                let direct = try DirectGround(ground, weights: [1, 1])
                var rule = try rule("127.70.0.1/32", 0, .direct, whenDown)
                rule.model = "m"
                try direct.governed.broker.apply([rule], slots: direct.governed.slots)
                for index in 0..<2 { try direct.setUsable(false, index) }
                let app = try ground.peer("app")
                let refused = whenDown == .refuse
                #expect(try app.connect("c", "127.70.0.1", direct.port) == (refused ? "error ECONNREFUSED" : "ok"))
                #expect(try direct.picked() == [0, 0])
                #expect(try direct.governed.broker.counter("endpoint_none") == 1)
                let counted = try direct.plane.inspector().ruleCounters(0)
                #expect(counted.refused == (refused ? 1 : 0) && counted.direct == (refused ? 0 : 1))
                let events = try direct.governed.broker.events()
                #expect(events.map(\.kind) == [.limited] && events.map(\.reason) == [.noEndpoint])
                #expect(events.first?.observed == !refused)
                #expect(events.first?.origin.dialled == (try address("127.70.0.1", direct.port)))
                let refusals = try direct.governed.qos().refusals
                #expect(refusals == (refused ? [.init(client: 0, reason: .noEndpoint, count: 1)] : []))
                #expect(try direct.governed.qos().open == (refused ? 0 : 1))
                if !refused { #expect(try app("peer('c')") == "127.70.0.1 \(direct.port)") }
            }
        }

        @Test func setsAreCheckedAsAWhole() throws {
            try TestGround.with { ground in
                let direct = try DirectGround(ground, weights: [1])
                let one = direct.endpoints[0]
                let many = try (1...33).map { DirectEndpoint(address: try address("127.0.0.\($0)", 80)) }
                var weightless = one
                weightless.weight = 0
                for faulty in [many, [one, one], [weightless], [DirectEndpoint(address: try address("127.0.0.1", 0))]] {
                    #expect(throws: KernelPlaneError.self) { try direct.put(faulty) }
                }
                #expect(throws: KernelPlaneError.self) { try direct.plane.apply(endpointSets: [0: [one]]) }
                #expect(try direct.readings().map(\.address) == [one.address])
                try direct.put(Array(many.prefix(32)))
                #expect(try direct.readings().count == 32)
                try direct.plane.apply(endpointSets: [:])
                #expect(try direct.plane.inspector().endpoints().isEmpty)
            }
        }
    }
}
