import Catalog
import Glibc
import KernelPlane
import Testing

extension KernelSuite {
    /// What the kernel reads off direct flows is what their callers counted.
    @Suite struct MeterTests {
        @Test func countsAreThoseOfTheCallers() throws {
            try TestGround.with { ground in
                let workloads: [UInt64: WorkloadEntry] = [
                    try ground.cgroupID("app"): WorkloadEntry(client: 1, exempt: false),
                    try ground.cgroupID("app/inner"): WorkloadEntry(client: 2, exempt: false),
                ]
                let direct = try DirectGround(ground, weights: [1, 1, 1], workloads: workloads, http: true)
                let (one, two) = (try ground.peer("app"), try ground.peer("app/inner"))
                try one.start("load('127.70.0.1', \(direct.port), 4, 10, 5)")
                try two.start("load('::1', \(direct.port), 3, 10, 3)")
                let seen = [pairs(try one.answer()), pairs(try two.answer())]
                #expect(seen[0]["requests"] == 2200 && seen[1]["requests"] == 990, "\(seen)")
                let meters = try direct.meters()
                #expect(meters.map(\.client) == [1, 2])
                for (meter, seen) in zip(meters, seen) { expect(meter, seen) }
                #expect(try direct.picked().reduce(0, +) == 70)
                #expect(try direct.picked().allSatisfy { $0 > 10 })
            }
        }

        @Test func headsMayComeByteByByte() throws {
            try TestGround.with { ground in
                let direct = try DirectGround(ground, weights: [1], http: true, dribble: true)
                let app = try ground.peer("app")
                let seen = pairs(try app("load('127.70.0.1', \(direct.port), 2, 3, 2, True)"))
                #expect(seen["requests"] == 132)
                expect(try #require(try direct.meters().first), seen)
            }
        }

        @Test func aBodyMayLastUntilTheEnd() throws {
            try TestGround.with { ground in
                let direct = try DirectGround(ground, weights: [1], http: true)
                let app = try ground.peer("app")
                let plan = "[(b'GET', b'/len/5/200', 0, False), (b'GET', b'/unframed/70000/200', 0, False)]"
                let seen = pairs(try app("load('127.70.0.1', \(direct.port), 1, 20, 1, False, \(plan))"))
                #expect(seen["requests"] == 40 && seen["s2"] == 40)
                expect(try #require(try direct.meters().first), seen)
            }
        }

        @Test func whatIsNotHTTPCountsInBytes() throws {
            try TestGround.with { ground in
                let direct = try DirectGround(ground, weights: [1])
                let app = try ground.peer("app")
                #expect(try app.connect("c", "127.70.0.1", direct.port) == "ok")
                #expect(try app("talk('c', chr(22) + 'no http at all, but a line' + chr(10))") == "sent")
                #expect(try app("pump('c', 100000)") == "100000")
                #expect(try eventually { try direct.meters().first?.bytesSent == 100_028 })
                let meter = try #require(try direct.meters().first)
                #expect(meter.connections == 1 && meter.requests == 0 && meter.responses == 0 && meter.unfollowed == 1)
            }
        }

        @Test func onlyDirectFlowsAreMetered() throws {
            try TestGround.with { ground in
                let direct = try DirectGround(ground, weights: [1], http: true)
                var proxied = try rule("127.70.0.1/32", 0, .proxy, .refuse)
                proxied.model = "m"
                try direct.governed.broker.apply([proxied], slots: direct.governed.slots)
                try direct.governed.broker.proxy("engine('l4')")
                let app = try ground.peer("app")
                let seen = pairs(try app("load('127.70.0.1', \(direct.port), 1, 5, 1)"))
                #expect(seen["requests"] == 55 && seen["faults"] == 0)
                // Nor those that nothing captures.
                let port = direct.endpoints[0].address.port
                #expect(pairs(try app("load('127.0.0.1', \(port), 1, 5, 1)"))["requests"] == 55)
                #expect(try direct.meters().isEmpty)
                #expect(try direct.picked() == [0])
            }
        }

        /// First bytes: each answer's was timed, and none took longer than the whole.
        private func expect(_ meter: MeterReading, _ seen: [String: Double]) {
            let counted: [(String, UInt64)] = [
                ("connections", meter.connections), ("requests", meter.requests), ("responses", meter.responses),
                ("s1", meter.statuses[1]), ("s2", meter.statuses[2]), ("s3", meter.statuses[3]), ("s4", meter.statuses[4]),
                ("s5", meter.statuses[5]), ("sent", meter.bytesSent), ("received", meter.bytesReceived),
            ]
            for (name, value) in counted { #expect(Double(value) == seen[name], "\(name)") }
            #expect(seen["faults"] == 0, "\(seen)")
            #expect(meter.unfollowed == 0 && meter.statuses[0] == 0)
            #expect(meter.firstBytes == meter.responses)
            #expect(meter.firstByteNanoseconds > 0 && meter.firstByteMaximum <= meter.firstByteNanoseconds)
        }
    }
}
