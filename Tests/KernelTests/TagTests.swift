import Catalog
import KernelPlane
import Testing

extension KernelSuite {
    @Suite struct TagTests {
        private let entry = qos {
            $0.bandwidth = 10_000_000
            $0.priority = 6
            $0.dscp = 26
        }
        private let untouched = "tos=0 priority=0 lowat=0 pacing=none"
        private let marked = "tos=104 priority=6 lowat=16384 pacing=10000000"

        /// On both legs and in both families, by a process that may do nothing else.
        @Test(arguments: ["127.0.0.1", "::1"]) func anUnprivilegedBrokerTagsItsSockets(host: String) throws {
            try TestGround.with { ground in
                let governed = try Governed(ground, [ModelEntry(name: "m", qos: entry)])
                let proxy = governed.broker.proxy
                try governed.leg("down", host: host)
                let port = try governed.server.listen("u", host)
                #expect(try proxy.connect("up", host, port) == "ok")
                #expect(try proxy("become(65534)") == "65534")
                let slot = try governed.slot()
                let before = try proxy("marks('down')")
                #expect(before == untouched)
                #expect(try proxy("tag('down', \(slot), leg=0, client=5)") == "ok")
                #expect(try proxy("tag('up', \(slot), leg=1)") == "ok")
                #expect(try proxy("marks('down')") == marked)
                #expect(try proxy("marks('up')") == marked)
                let reading = try governed.qos()
                #expect(reading.tagged == 2 && reading.active == .init(responses: 1, requests: 1))
                #expect(reading.applied == 2 && reading.applyFailed == 0)
                #expect(reading.share == .init(responses: 10_000_000, requests: 10_000_000))

                // Slot 0 takes it out again, and everything back.
                #expect(try proxy("tag('down', 0)") == "ok")
                #expect(try proxy("marks('down')") == untouched)
                try proxy("close('up')")
                #expect(try eventually { try governed.qos().tagged == 0 })
                #expect(try governed.qos().active == .init(responses: 0, requests: 0))
                #expect(try governed.broker.counter("tags") == 3)
                #expect(try governed.broker.counter("apply_failed") == 0)
            }
        }

        @Test func aTagIsChecked() throws {
            try TestGround.with { ground in
                let governed = try Governed(ground, [ModelEntry(name: "m", qos: entry)])
                let proxy = governed.broker.proxy
                try governed.leg("a")
                let slot = try governed.slot()
                #expect(try proxy("tag('a', \(slot), leg=2)") == "error EINVAL")
                #expect(try proxy("tag('a', \(slot), active=2)") == "error EINVAL")
                #expect(try proxy("tag('a', 0, raw=b'')") == "error EINVAL")
                #expect(try proxy("tag('a', 0, raw=bytes(11))") == "error EINVAL")
                #expect(try proxy("tag('a', 0, raw=bytes(13))") == "error EINVAL")
                #expect(try proxy("tag('a', 0, raw=bytes(11) + b'1')") == "error EINVAL")
                #expect(try proxy("tag('a', 4096)") == "error ENOENT")
                #expect(try proxy("tag('a', 0xffffffff)") == "error ENOENT")
                #expect(try proxy("tag('l4', \(slot))") == "error EINVAL")
                try proxy("udp('u', '127.0.0.1', 9)")
                #expect(try proxy("tag('u', \(slot))") == "error EINVAL")
                #expect(try governed.broker.counter("tag_invalid") == 10)
                #expect(try governed.qos().tagged == 0)
                #expect(try proxy("marks('a')") == untouched)
                // Nobody outside of the broker's cgroup has this option at all.
                #expect(try governed.server("tag('a', \(slot))") == "error ENOPROTOOPT")
            }
        }

        @Test func otherOptionsPassUntouched() throws {
            try TestGround.with { ground in
                let governed = try Governed(ground, [ModelEntry(name: "m")])
                let proxy = governed.broker.proxy
                try governed.leg("a")
                // SO_KEEPALIVE, SO_RCVLOWAT, TCP_NODELAY and IP_TTL: short and longer than a page.
                for (level, option) in [(1, 9), (1, 18), (6, 1), (0, 2)] {
                    for size in [4, 4096, 4097, 20000] {
                        #expect(try proxy("long_option('a', \(level), \(option), 0 if \(level) != 0 else 64, 4)") != "raised")
                        let value = level == 0 ? 33 : 1
                        #expect(try proxy("long_option('a', \(level), \(option), \(value), \(size))") == "\(value)")
                    }
                }
                #expect(try proxy("long_option('a', 1, 9999, 1, 4)") == "error ENOPROTOOPT")
                #expect(try proxy("tag('a', 1, option=3)") == "error ENOPROTOOPT")
                #expect(try proxy("tag('a', 1, level=0x4d43)") == "error ENOPROTOOPT")
                #expect(try governed.broker.counter("tag_invalid") == 0)
            }
        }

        @Test func aTagMovesToAnotherModel() throws {
            try TestGround.with { ground in
                let models = [
                    ModelEntry(name: "m", qos: entry),
                    ModelEntry(name: "n", qos: qos { $0.dscp = 8 }),
                ]
                let governed = try Governed(ground, models)
                let proxy = governed.broker.proxy
                try governed.leg("a")
                try proxy("tag('a', \(governed.slot("m")))")
                #expect(try proxy("marks('a')") == marked)
                try proxy("tag('a', \(governed.slot("n")), leg=1)")
                #expect(try proxy("marks('a')") == "tos=32 priority=0 lowat=0 pacing=none")
                #expect(try governed.qos("m").tagged == 0 && governed.qos("m").active.responses == 0)
                #expect(try governed.qos("n").tagged == 1 && governed.qos("n").active.requests == 1)
            }
        }

        /// A socket that was tagged and never connected, and one that was tagged after its end.
        @Test func tagsGoWithTheirSockets() throws {
            try TestGround.with { ground in
                let governed = try Governed(ground, [ModelEntry(name: "m", qos: entry)])
                let proxy = governed.broker.proxy
                let slot = try governed.slot()
                try proxy("fresh('f')")
                #expect(try proxy("tag('f', \(slot))") == "ok")
                #expect(try governed.qos().tagged == 1)
                try proxy("close('f')")
                #expect(try governed.qos().tagged == 0)

                try governed.leg("a")
                #expect(try proxy("tag('a', \(slot))") == "ok")
                try governed.server("socks['a'].setsockopt(1, 13, struct.pack('ii', 1, 0)) or 'set'")
                try governed.server("close('a')")
                #expect(try eventually { try governed.qos().tagged == 0 })
                #expect(try proxy("tag('a', \(slot))") == "ok")
                #expect(try governed.qos().tagged == 1)
                try proxy("close('a')")
                #expect(try governed.qos().tagged == 0)
                #expect(try governed.qos().active == .init(responses: 0, requests: 0))
            }
        }

        @Test func theShareDividesAsSocketsComeAndGo() throws {
            try TestGround.with { ground in
                let governed = try Governed(ground, [ModelEntry(name: "m", qos: qos { $0.bandwidth = 12_000_000 })])
                let proxy = governed.broker.proxy
                let slot = try governed.slot()
                for key in ["a", "b", "c"] { try governed.leg(key) }
                func pacing(_ key: String) throws -> Double? { pairs(try proxy("marks('\(key)')"))["pacing"] }
                try proxy("tag('a', \(slot))")
                try proxy("tag('b', \(slot))")
                try proxy("tag('c', \(slot), active=0)")
                #expect(try pacing("a") == 12_000_000)
                #expect(try pacing("b") == 6_000_000)
                // The others learn of it with their next round trip.
                try governed.server("sink('a')")
                try proxy("pump('a', 200000)")
                #expect(try eventually { try pacing("a") == 6_000_000 })
                try proxy("tag('c', \(slot))")
                #expect(try pacing("c") == 4_000_000)
                // Or all at once, those that have heard of it with a late acknowledgement left out.
                #expect(try (1...2).contains(governed.broker.plane.qos.reapply()))
                #expect(try pacing("a") == 4_000_000 && pacing("b") == 4_000_000)
                try proxy("tag('c', \(slot), active=0)")
                try proxy("close('b')")
                #expect(try eventually { try governed.qos().active.responses == 1 })
                try proxy("pump('a', 200000)")
                #expect(try eventually { try pacing("a") == 12_000_000 })
            }
        }

        /// Callers' sockets on the path direct, and the accepted ones of an engine on this node.
        @Test(arguments: ["127.70.0.1", "::ffff:127.70.0.1", "::1"]) func directFlowsAreGoverned(host: String) throws {
            try TestGround.with { ground in
                let governed = try Governed(ground, [ModelEntry(name: "m", qos: entry)], engine: "app", keeping: true)
                let engine = try ground.peer("app")
                let port = host == "::1" ? governed.port : try engine.listen("e", "127.70.0.1")
                if host == "::1" { try engine("listen('e', '::1', \(port))") }
                let app = try ground.peer("app")
                #expect(try app.connect("c", host, port) == "ok")
                try engine("accept('e', 'a')")
                let mapped = host.hasPrefix("::ffff")
                // What a v6 socket marks IPv4 packets with, programs cannot set.
                let expected = mapped ? "tos=0 priority=6 lowat=16384 pacing=10000000" : marked
                #expect(try app("marks('c')") == expected)
                #expect(try engine("marks('a')") == marked)
                let reading = try governed.qos()
                #expect(reading.tagged == 2 && reading.active == .init(responses: 1, requests: 1) && reading.open == 1)
                #expect((reading.applyFailed > 0) == mapped)
                #expect(try governed.broker.flowOrigins == 0)
                try app("close('c')")
                try engine("close('a')")
                #expect(try eventually { try governed.qos().tagged == 0 })
                #expect(try governed.qos().open == 0)
            }
        }
    }
}
