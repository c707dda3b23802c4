import Catalog
import Glibc
import KernelPlane
import Testing

extension KernelSuite {
    @Suite struct LiveChangeTests {
        @Test func aChangeReachesSocketsAtOnce() throws {
            try TestGround.with { ground in
                let governed = try Governed(ground, [ModelEntry(name: "m")])
                let proxy = governed.broker.proxy
                try governed.leg("a")
                try governed.leg("b", host: "::1")
                for key in ["a", "b"] { try proxy("tag('\(key)', \(governed.slot()))") }
                #expect(try proxy("marks('a')") == "tos=0 priority=0 lowat=0 pacing=none")
                let table = try QoSTable(pinDirectory: ground.location.pinDirectory)
                let change = try table.set(
                    "m",
                    qos {
                        $0.dscp = 46; $0.priority = 3; $0.bandwidth = 9_000_000
                    }, by: 77)
                #expect(change.before.dscp == nil && change.inForce.dscp == 46 && change.live.priority == 3)
                #expect(try table.reapply() == 2)
                for key in ["a", "b"] {
                    #expect(try proxy("marks('\(key)')") == "tos=184 priority=3 lowat=0 pacing=4500000")
                }
                #expect(try governed.qos().changed?.uid == 77)
                #expect(try table.reapply() == 0)
                _ = try table.reset("m", by: 78)
                #expect(try table.reapply() == 2)
                for key in ["a", "b"] { #expect(try proxy("marks('\(key)')") == "tos=0 priority=0 lowat=0 pacing=none") }
                #expect(try governed.qos().live.isEmpty)
            }
        }

        /// What the iterator is not asked to bring, the next round trip does.
        @Test func aChangeReachesSocketsWithTheirTraffic() throws {
            try TestGround.with { ground in
                let governed = try Governed(ground, [ModelEntry(name: "m", qos: qos { $0.bandwidth = 50_000_000 })])
                let proxy = governed.broker.proxy
                try governed.leg("a")
                try proxy("tag('a', \(governed.slot()))")
                try governed.server("sink('a')")
                let table = try QoSTable(pinDirectory: ground.location.pinDirectory)
                _ = try table.set(
                    "m",
                    qos {
                        $0.dscp = 10; $0.bandwidth = 40_000_000
                    }, by: 0)
                #expect(try proxy("marks('a')") == "tos=0 priority=0 lowat=0 pacing=50000000")
                try proxy("pump('a', 100000)")
                #expect(try eventually { try proxy("marks('a')") == "tos=40 priority=0 lowat=0 pacing=40000000" })
            }
        }

        /// As on a kernel without iter/tcp: changes take a round trip, and everything else is as ever.
        @Test func thePlaneDoesWithoutTheIterator() throws {
            try TestGround.with { ground in
                let plane = try KernelPlane.open(ground.location, hasIterator: false)
                #expect(try plane.inspector().programs().count == PlaneSize.programs - 1)
                #expect(try plane.apply(models: [ModelEntry(name: "m", qos: qos { $0.dscp = 10 })]).byName["m"] != nil)
                let table = try QoSTable(pinDirectory: ground.location.pinDirectory)
                #expect(try table.set("m", qos { $0.dscp = 46 }, by: 0).inForce.dscp == 46)
                #expect(!table.canReapply)
                #expect(try table.reapply() == 0)
                // A kernel that has it gets it with the next agent.
                #expect(try KernelPlane.open(ground.location).adopted)
                #expect(table.canReapply)
            }
        }

        @Test func observingShapesNothing() throws {
            try TestGround.with { ground in
                let governed = try Governed(
                    ground,
                    [
                        ModelEntry(
                            name: "m",
                            qos: qos {
                                $0.bandwidth = 1000; $0.dscp = 3
                            })
                    ])
                let proxy = governed.broker.proxy
                try governed.leg("a")
                try proxy("tag('a', \(governed.slot()))")
                #expect(try proxy("marks('a')") == "tos=12 priority=0 lowat=0 pacing=1000")
                let table = governed.broker.plane.qos
                _ = try table.set("m", qos { $0.mode = .observe }, by: 0)
                #expect(try table.reapply() == 1)
                #expect(try proxy("marks('a')") == "tos=0 priority=0 lowat=0 pacing=none")
                #expect(try governed.qos().share == nil)
            }
        }

        @Test func aRateChangesWhileItIsUsed() throws {
            try TestGround.with { ground in
                let entry = qos {
                    $0.connects = Rate(20, per: .second); $0.connectBurst = 200
                }
                let governed = try Governed(ground, [ModelEntry(name: "m", qos: entry)])
                let app = try ground.peer("app")
                // Until there is nothing left.
                let before = pairs(try app("hammer('127.70.0.1', \(governed.port), 0.3, 0, least=1000)"))
                #expect((before["EAGAIN"] ?? 0) > 0)
                _ = try governed.broker.plane.qos.set("m", qos { $0.connects = Rate(200, per: .second) }, by: 0)
                let seen = pairs(try app("hammer('127.70.0.1', \(governed.port), 1, 0, least=400)"))
                let least = 200 * ((seen["last"] ?? 0) - (seen["first"] ?? 0))
                let most = 200 * ((seen["end"] ?? 0) - (before["last"] ?? 0))
                #expect((seen["ok"] ?? 0) >= least * 0.95 && (seen["ok"] ?? 0) <= most + 2, "\(before) \(seen)")
            }
        }

        @Test func badValuesChangeNothing() throws {
            try TestGround.with { ground in
                let governed = try Governed(ground, [ModelEntry(name: "m", qos: qos { $0.dscp = 3 })])
                let table = governed.broker.plane.qos
                let before = try governed.qos()
                for bad in [qos { $0.bandwidth = 0 }, qos { $0.priority = 8 }, qos { $0.dscp = 64 }] {
                    #expect(throws: KernelPlaneError.self) { try table.set("m", bad, by: 0) }
                }
                #expect(throws: KernelPlaneError.self) { try table.set("other", QoS(), by: 0) }
                #expect(throws: KernelPlaneError.self) {
                    try governed.broker.plane.apply(models: [ModelEntry(name: "m", qos: qos { $0.dscp = 64 })])
                }
                #expect(try governed.qos() == before)
            }
        }

        @Test func aRestartKeepsOverridesDebtsAndCounts() throws {
            try TestGround.with { ground in
                let entry = ModelEntry(
                    name: "m",
                    qos: qos {
                        $0.connects = Rate(1, per: .hour); $0.connectBurst = 10; $0.tokens = Rate(5, per: .minute)
                    })
                let governed = try Governed(ground, [entry], keeping: true)
                let app = try ground.peer("app")
                for index in 0..<4 { #expect(try app.connect("k\(index)", "127.70.0.1", governed.port) == "ok") }
                _ = try governed.broker.plane.qos.set(
                    "m",
                    qos {
                        $0.dscp = 7; $0.tokens = Rate(9, per: .hour)
                    }, by: 12)
                let before = try governed.qos()
                #expect(before.buckets[.connects]?.level == 6 && before.open == 4)

                let next = try KernelPlane.open(ground.location)
                let slots = try next.apply(models: [ModelEntry(name: "new"), entry])
                #expect(slots.byName["m"] == before.slot && slots.released.isEmpty && slots.without.isEmpty)
                var now = try #require(try next.qos.model("m"))
                now.applied = before.applied
                #expect(now == before)
                for index in 4..<10 { #expect(try app.connect("k\(index)", "127.70.0.1", governed.port) == "ok") }
                #expect(try app.connect("l", "127.70.0.1", governed.port) == "error EAGAIN")
                #expect(try next.qos.model("m")?.open == 10)

                // The configuration's part changes below what was set by hand.
                var changed = entry
                changed.qos.dscp = 1
                changed.qos.connects = Rate(2, per: .hour)
                _ = try next.apply(models: [changed])
                let after = try #require(try next.qos.model("m"))
                #expect(after.configured == changed.qos && after.live == before.live && after.inForce.dscp == 7)
                #expect(after.inForce.connects == Rate(2, per: .hour))
                // Ten connects are owed at either price.
                #expect(after.buckets[.connects]?.level == 0 && after.buckets[.connects]?.admitted == 10)
                #expect(try app.connect("l", "127.70.0.1", governed.port) == "error EAGAIN")
                #expect(try next.qos.reset("m", by: 0).inForce.dscp == 1)
            }
        }
    }
}
