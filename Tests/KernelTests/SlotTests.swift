import Catalog
import KernelPlane
import Testing

extension KernelSuite {
    @Suite struct SlotTests {
        @Test func allSlotsCanBeTaken() throws {
            try TestGround.with { ground in
                let limit = KernelPlane.modelLimit
                #expect(limit == 4096)
                let models = (1...limit + 1).map { ModelEntry(name: "model-\($0)", qos: qos { $0.connections = 0 }) }
                let governed = try Governed(ground, [models[limit - 1]])
                let plane = governed.broker.plane
                let slots = try plane.apply(models: models)
                // The one that was there keeps its slot, whatever its place in the list.
                #expect(slots.byName["model-\(limit)"] == 1)
                #expect(Set(slots.byName.values) == Set(1...UInt32(limit)))
                #expect(slots.without == ["model-\(limit + 1)"])
                #expect(try plane.qos.models().count == limit)
                #expect(try ground.peer("app").connect("c", "127.70.0.1", governed.port) == "error EAGAIN")

                // The last slot works like the first.
                let last = try #require(slots.byName.first { $0.value == UInt32(limit) }?.key)
                var rule = try rule("127.70.0.1/32", 0, .direct, .direct)
                rule.model = last
                try governed.broker.apply([rule], slots: slots.byName)
                _ = try plane.qos.set(last, qos { $0.connections = 1 }, by: 0)
                #expect(try ground.peer("app").connect("c", "127.70.0.1", governed.port) == "ok")
                #expect(try plane.qos.model(last)?.open == 1)

                // Room for the one that went without, once another is gone.
                let fewer = try plane.apply(models: Array(models.dropFirst()))
                #expect(fewer.without.isEmpty && fewer.released == ["model-1"])
                #expect(fewer.byName["model-\(limit + 1)"] == slots.byName["model-1"])
                #expect(try plane.apply(models: []).released.count == limit)
                #expect(try plane.qos.models().isEmpty)
            }
        }

        /// A plane maps no more than reaches to the highest slot in use, and more when another is given out.
        @Test func aPlaneOpenedAnewKnowsSlotsHoweverHigh() throws {
            try TestGround.with { ground in
                let models = (1...300).map { ModelEntry(name: "model-\($0)", qos: qos { $0.connections = 5 }) }
                let governed = try Governed(ground, [])
                #expect(try governed.broker.plane.apply(models: models).byName["model-300"] == 300)
                _ = try governed.broker.plane.qos.set("model-300", qos { $0.connections = 7 }, by: 0)
                // Only the highest and one in the middle stay.
                let kept = [models[149], models[299]]
                _ = try governed.broker.plane.apply(models: kept)

                let plane = try KernelPlane.open(ground.location)
                #expect(try plane.qos.models().map(\.name) == ["model-150", "model-300"])
                #expect(try plane.qos.model("model-300")?.inForce.connections == 7)
                #expect(try plane.apply(models: kept + [ModelEntry(name: "low")]).byName["low"] == 1)
                // As many as it takes to go beyond what is mapped; those that were there keep what they had.
                let many = kept + [ModelEntry(name: "low")] + (1...900).map { ModelEntry(name: "new-\($0)") }
                let slots = try plane.apply(models: many).byName
                #expect(slots["model-150"] == 150 && slots["model-300"] == 300)
                #expect(Set(slots.values) == Set(1...903))
                #expect(try plane.qos.model("model-300")?.inForce.connections == 7)
                _ = try plane.qos.set("new-900", qos { $0.connections = 9 }, by: 0)
                // Another process sees the same.
                let table = try QoSTable(pinDirectory: ground.location.pinDirectory)
                #expect(try table.models().count == 903)
                #expect(try table.model("new-900")?.inForce.connections == 9)
            }
        }

        @Test func aRemovedModelsSocketsAreLetGo() throws {
            try TestGround.with { ground in
                let entry = qos {
                    $0.bandwidth = 1_000_000; $0.dscp = 5; $0.priority = 6
                }
                let governed = try Governed(ground, [ModelEntry(name: "m", qos: entry)], keeping: true)
                let plane = governed.broker.plane
                let proxy = governed.broker.proxy
                let app = try ground.peer("app")
                try governed.leg("a")
                try proxy("tag('a', \(governed.slot()))")
                #expect(try app.connect("c", "127.70.0.1", governed.port) == "ok")
                #expect(try app.connect("d", "127.70.0.1", governed.port) == "ok")
                _ = try plane.qos.set("m", qos { $0.mode = .enforce }, by: 0)
                let gone = try plane.apply(models: [])
                #expect(gone.released == ["m"] && gone.droppedOverrides == ["m"])
                let free = "tos=0 priority=0 lowat=0 pacing=none"
                #expect(try proxy("marks('a')") == free)
                #expect(try app("marks('c')") == free)
                #expect(try plane.qos.model("m") == nil)
                #expect(throws: KernelPlaneError.self) { try plane.qos.set("m", QoS(), by: 0) }

                // Its rule governs nothing any more; the slot can be another's, and starts from nothing.
                #expect(try app.connect("e", "127.70.0.1", governed.port) == "ok")
                #expect(try governed.broker.counter("model_missing") > 0)
                let next = try plane.apply(models: [ModelEntry(name: "n")])
                #expect(next.byName == ["n": 1])
                let reading = try #require(try plane.qos.model("n"))
                #expect(reading.tagged == 0 && reading.open == 0 && reading.connects == 0 && reading.live.isEmpty)
                try proxy("close('a')")
                try app("close('c', 'd', 'e')")
                #expect(try plane.qos.model("n")?.open == 0)
                #expect(try plane.qos.model("n")?.tagged == 0)
            }
        }

        /// Callers on the path proxy hold places that no iterator takes from them: their slot waits for them.
        @Test func aSlotThatSomethingCountsForIsNotGivenAway() throws {
            try TestGround.with { ground in
                let governed = try Governed(ground, [ModelEntry(name: "m")], path: .proxy)
                let plane = governed.broker.plane
                let app = try ground.peer("app")
                #expect(try app.connect("c", "127.70.0.1", governed.port) == "ok")
                #expect(try governed.qos().open == 1)
                #expect(try plane.apply(models: [ModelEntry(name: "n")]).byName == ["n": 2])
                try app("close('c')")
                try governed.broker.proxy("accept('l4', 'x')")
                try governed.broker.proxy("close('x')")
                #expect(
                    try eventually { try plane.apply(models: [ModelEntry(name: "n"), ModelEntry(name: "o")]).byName["o"] == 1 })
            }
        }

        @Test func modelsAreDumped() throws {
            try TestGround.with { ground in
                let entry = qos {
                    $0.requests = Rate(100, per: .second); $0.connects = Rate(0, per: .second)
                }
                let governed = try Governed(ground, [ModelEntry(name: "llama\u{1b}[1m", qos: entry, isPrivate: true)])
                let reader = governed.broker.plane.inspector()
                let model = Dictionary(try #require(try reader.dump(map: "models").first)) { first, _ in first }
                #expect(model["name"] == "llama?[1m" && model["private"] == "yes" && model["slot"] == "1")
                #expect(model["requests_period_ns"] == "10000000" && model["requests_tolerance_ns"] == "100000000")
                #expect(model["connects_period_ns"] == "never")
                #expect(try reader.dump(map: "buckets").count == 3)
                #expect(try reader.dump(map: "model_state").count == 1)
                #expect(try ground.peer("app").connect("c", "127.70.0.1", governed.port) == "error ECONNREFUSED")
                #expect(try reader.dump(map: "refusals").map { $0.map(\.1) } == [["1", "0", "access", "1"]])
                #expect(try reader.maps().first { $0.name == "models" }?.entries == 1)
            }
        }
    }
}
