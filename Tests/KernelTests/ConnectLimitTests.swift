import Catalog
import Glibc
import KernelPlane
import Testing

extension KernelSuite {
    @Suite struct ConnectLimitTests {
        @Test(arguments: [CaptureRule.Path.direct, .proxy]) func connectsComeAtTheirRate(path: CaptureRule.Path) throws {
            try TestGround.with { ground in
                // Two seconds' worth: what comes in while a busy machine does not run the caller must not run over.
                let burst: UInt64 = 100
                let entry = ModelEntry(
                    name: "m",
                    qos: qos {
                        $0.connects = Rate(50, per: .second); $0.connectBurst = burst
                    })
                let plain = ModelEntry(name: "plain", qos: qos { $0.connects = Rate(50, per: .second) })
                let governed = try Governed(ground, [entry, plain], path: path)
                try governed.broker.proxy("swallow('l4')")
                let app = try ground.peer("app")
                let seen = pairs(try app("hammer('127.70.0.1', \(governed.port), 3, 0.002, least=500)"))
                let most = 50 * ((seen["end"] ?? 0) - (seen["begin"] ?? 0)) + Double(burst)
                let least = 50 * ((seen["last"] ?? 0) - (seen["first"] ?? 0)) + Double(burst)
                let admitted = seen["ok"] ?? 0
                #expect(admitted <= most + 1 && admitted >= least * 0.98 - 1, "\(seen)")
                #expect((seen["EAGAIN"] ?? 0) > 100)
                #expect(Set(seen.keys) == hammerTimes.union(["ok", "EAGAIN"]))

                let reading = try governed.qos()
                #expect(reading.connects == UInt64(admitted))
                #expect(reading.buckets[.connects]?.admitted == UInt64(admitted))
                #expect(reading.buckets[.connects]?.refused == UInt64(seen["EAGAIN"] ?? 0))
                #expect(reading.buckets[.connects]?.capacity == burst)
                #expect(try governed.qos("plain").buckets[.connects]?.capacity == 5)
                #expect(reading.refusals == [.init(client: 0, reason: .rate, count: UInt64(seen["EAGAIN"] ?? 0))])
                #expect(try governed.broker.counter("limited_rate") == UInt64(seen["EAGAIN"] ?? 0))
                let event = try #require(try governed.broker.events().first { $0.kind == .limited && $0.reason != .noEndpoint })
                #expect(event.reason == .rate && !event.observed && event.origin.pid == app.pid)
                #expect(event.origin.model == (try governed.slot()))
                #expect(try eventually { try governed.qos().open == 0 })
            }
        }

        @Test func theCapIsExactWhateverThreadsDo() throws {
            try TestGround.with { ground in
                let governed = try Governed(ground, [ModelEntry(name: "m", qos: qos { $0.connections = 7 })], keeping: true)
                let app = try ground.peer("app")
                let other = try ground.peer("app")
                let call = "crowd('127.70.0.1', \(governed.port), 16, 100, 30)"
                try app.start(call)
                try other.start(call)
                var most: UInt64 = 0
                while !app.hasAnswered || !other.hasAnswered { most = max(most, try governed.qos().open) }
                #expect(most == 7)
                for seen in [pairs(try app.answer()), pairs(try other.answer())] {
                    #expect((seen["most"] ?? 0) <= 7 && (seen["EAGAIN"] ?? 0) > 0 && (seen["ok"] ?? 0) >= 30, "\(seen)")
                    #expect(Set(seen.keys) == ["EAGAIN", "most", "now", "ok"])
                }
                #expect(try eventually { try governed.qos().open == 0 })
                #expect(try governed.qos().refusals.map(\.reason) == [.connections])

                // All of it can be had at once, and no more.
                for index in 0..<7 { #expect(try app.connect("k\(index)", "127.70.0.1", governed.port) == "ok") }
                #expect(try governed.qos().open == 7)
                #expect(try app.connect("k7", "127.70.0.1", governed.port) == "error EAGAIN")
                try app("close('k0')")
                #expect(try eventually { try governed.qos().open == 6 })
                #expect(try app.connect("k8", "127.70.0.1", governed.port) == "ok")
            }
        }

        /// Each way in which a connect can fail after its place was taken gives the place back.
        @Test func failedConnectsHoldNothing() throws {
            try TestGround.with { ground in
                let governed = try Governed(ground, [ModelEntry(name: "m", qos: qos { $0.connections = 3 })], keeping: true)
                let app = try ground.peer("app")
                for _ in 0..<8 { #expect(try app.connect("r", "127.70.0.1", 1) == "error ECONNREFUSED") }
                #expect(try governed.qos().open == 0)

                // Refused before a packet leaves: the address pair is taken.
                #expect(try app("bound('a', '127.70.0.1', '127.0.0.1', 0, \(governed.port))") == "ok")
                let taken = try app("port('a')")
                let same = "bound('b', '127.70.0.1', '127.0.0.1', \(taken), \(governed.port))"
                #expect(try app(same) == "error EADDRNOTAVAIL")
                #expect(try governed.qos().open == 2)
                // Again on the same socket: still one place. Then the socket goes, and the place with it.
                #expect(try app("redial('b', '127.70.0.1', \(governed.port))") == "error EADDRNOTAVAIL")
                #expect(try governed.qos().open == 2)
                try app("close('b')")
                #expect(try governed.qos().open == 1)
                for _ in 0..<5 {
                    #expect(try app(same) == "error EADDRNOTAVAIL")
                    try app("close('b')")
                }
                try app("close('a')")
                #expect(try eventually { try governed.qos().open == 0 })

                // Nobody answers, and the caller loses patience.
                let deaf = try ground.peer("out")
                let port = try deaf.listen("d", "127.70.0.1")
                try deaf("socks['d'].listen(0)")
                var waiting: [String] = []
                for index in 0..<3 {
                    waiting.append(try app("pending('p\(index)', '127.70.0.1', \(port))"))
                }
                #expect(waiting.allSatisfy { $0 == "error EINPROGRESS" || $0 == "ok" })
                #expect(try governed.qos().open == 3)
                #expect(try app("pending('p3', '127.70.0.1', \(port))") == "error EAGAIN")
                try app("close('p0', 'p1', 'p2', 'p3')")
                #expect(try eventually { try governed.qos().open == 0 })
            }
        }

        @Test func aSocketMayConnectAgain() throws {
            try TestGround.with { ground in
                let models = [ModelEntry(name: "m", qos: qos { $0.connections = 1 }), ModelEntry(name: "n")]
                let governed = try Governed(ground, models, keeping: true)
                let app = try ground.peer("app")
                #expect(try app.connect("c", "127.70.0.1", governed.port) == "ok")
                #expect(try app.connect("d", "127.70.0.1", governed.port) == "error EAGAIN")
                #expect(try app("disconnect('c')") == "0")
                #expect(try governed.qos().open == 0)
                #expect(try app("redial('c', '127.70.0.2', \(governed.port))") == "ok")
                #expect(try governed.qos().open == 0)
                #expect(try governed.qos("n").open == 1)
                #expect(try app("disconnect('c')") == "0")
                #expect(try app("redial('c', '127.70.0.1', \(governed.port))") == "ok")
                #expect(try governed.qos().open == 1)
                try app("close('c', 'd')")
                #expect(try eventually { try governed.qos().open == 0 })
                #expect(try governed.qos("n").open == 0)
            }
        }

        @Test func aRefusedRateTakesNoPlace() throws {
            try TestGround.with { ground in
                let entry = qos {
                    $0.connects = Rate(1, per: .hour)
                    $0.connectBurst = 2
                    $0.connections = 100
                }
                let governed = try Governed(ground, [ModelEntry(name: "m", qos: entry)], keeping: true)
                let app = try ground.peer("app")
                for index in 0..<2 { #expect(try app.connect("k\(index)", "127.70.0.1", governed.port) == "ok") }
                for _ in 0..<9 { #expect(try app.connect("x", "127.70.0.1", governed.port) == "error EAGAIN") }
                #expect(try governed.qos().open == 2)
                #expect(try governed.qos().buckets[.connects]?.level == 0)
            }
        }

        @Test func nothingPassesALimitOfZero() throws {
            try TestGround.with { ground in
                let models = [
                    ModelEntry(name: "m", qos: qos { $0.connects = Rate(0, per: .second) }),
                    ModelEntry(name: "n", qos: qos { $0.connections = 0 }),
                ]
                let governed = try Governed(ground, models)
                let app = try ground.peer("app")
                for _ in 0..<5 {
                    #expect(try app.connect("a", "127.70.0.1", governed.port) == "error EAGAIN")
                    #expect(try app.connect("b", "127.70.0.2", governed.port) == "error EAGAIN")
                }
                #expect(try governed.qos("m").refusals == [.init(client: 0, reason: .rate, count: 5)])
                #expect(try governed.qos("n").refusals == [.init(client: 0, reason: .connections, count: 5)])
                #expect(try governed.qos("m").open == 0)
                #expect(try governed.qos("m").buckets[.connects]?.level == 0)
            }
        }

        @Test func observingCountsAndLetsPass() throws {
            try TestGround.with { ground in
                let entry = qos {
                    $0.connects = Rate(1, per: .hour)
                    $0.connections = 1
                    $0.mode = .observe
                }
                let governed = try Governed(ground, [ModelEntry(name: "m", qos: entry)], keeping: true)
                let app = try ground.peer("app")
                for index in 0..<4 { #expect(try app.connect("k\(index)", "127.70.0.1", governed.port) == "ok") }
                let reading = try governed.qos()
                #expect(reading.open == 4 && reading.connects == 4 && reading.observedConnections == 3)
                #expect(reading.buckets[.connects]?.observed == 3)
                #expect(reading.buckets[.connects]?.refused == 0 && reading.refusals.isEmpty)
                let events = try governed.broker.events().filter { $0.kind == .limited && $0.reason != .noEndpoint }
                #expect(events.count == 6 && events.allSatisfy(\.observed))
                #expect(Set(events.map(\.reason)) == [.rate, .connections])
                try app("close('k0', 'k1', 'k2', 'k3')")
                #expect(try eventually { try governed.qos().open == 0 })
            }
        }

        @Test func fullRefusalsAreCounted() throws {
            try TestGround.with { ground in
                let governed = try Governed(ground, [ModelEntry(name: "m", qos: qos { $0.connections = 0 })])
                try fillRefusals(ground)
                let app = try ground.peer("app")
                for _ in 0..<3 { #expect(try app.connect("c", "127.70.0.1", governed.port) == "error EAGAIN") }
                #expect(try governed.broker.counter("refusal_full") == 3)
                #expect(try governed.broker.counter("limited_connections") == 3)
                #expect(try governed.qos().refusals.isEmpty)
            }
        }
    }
}
