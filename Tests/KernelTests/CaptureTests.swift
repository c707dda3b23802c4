import Catalog
import KernelPlane
import Testing

extension KernelSuite {
    @Suite struct CaptureTests {
        @Test func anIPv4ConnectGoesToTheProxy() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                let app = try ground.peer("app")
                #expect(try app.connect("c", "127.64.0.10", 8000) == "ok")
                #expect(try app("peer('c')") == "127.64.0.10 8000")
                #expect(try broker.proxy("accept('l4', 'a')").hasPrefix("127."))
                try app("talk('c', 'hello')")
                #expect(try broker.proxy("hear('a')") == "hello")
                #expect(try broker.counter("captured") == 1)
                #expect(try broker.plane.inspector().ruleCounters(0).captured == 1)
            }
        }

        @Test func anIPv6ConnectGoesToTheProxy() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("::1/128", 8000)])
                let app = try ground.peer("app")
                #expect(try app.connect("c", "::1", 8000) == "ok")
                #expect(try app("peer('c')") == "::1 8000")
                #expect(try broker.proxy("accept('l6', 'a')").hasPrefix("::1 "))
                #expect(try broker.counter("captured") == 1)
            }
        }

        @Test func aMappedConnectIsTreatedAsIPv4() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                let app = try ground.peer("app")
                #expect(try app.connect("c", "::ffff:127.64.0.10", 8000) == "ok")
                #expect(try app("peer('c')") == "::ffff:127.64.0.10 8000")
                #expect(try broker.proxy("accept('l4', 'a')").hasPrefix("127."))
                let origin = try broker.proxy.origin("a")
                #expect(origin["host"] == "127.64.0.10")
                #expect(origin["flags"] == "2")
            }
        }

        @Test func anUncapturedDestinationIsUntouched() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                let server = try ground.peer("out")
                let port = try server.listen("s", "127.65.0.1")
                let app = try ground.peer("app")
                #expect(try app.connect("c", "127.65.0.1", port) == "ok")
                #expect(try app("peer('c')") == "127.65.0.1 \(port)")
                #expect(try server("accept('s', 'a')").hasPrefix("127."))
                #expect(try broker.counter("unmatched") == 1)
                #expect(try broker.counter("captured") == 0)
            }
        }

        @Test func callersOutsideTheCgroupAreUntouched() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                #expect(try ground.peer("out").connect("c", "127.64.0.10", 8000) == "error ECONNREFUSED")
                #expect(try broker.counter("connects") == 0)
            }
        }

        @Test func theUnspecifiedAddressIsLoopback() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.0.0.1/32", 8000), rule("::1/128", 8000)])
                let app = try ground.peer("app")
                #expect(try app.connect("c", "0.0.0.0", 8000) == "ok")
                #expect(try app("peer('c')") == "127.0.0.1 8000")
                #expect(try app.connect("d", "::", 8000) == "ok")
                #expect(try app("peer('d')") == "::1 8000")
                #expect(try broker.counter("captured") == 2)
            }
        }

        @Test func datagramsAreUntouched() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 0)])
                let app = try ground.peer("app")
                #expect(try app("udp('c', '127.64.0.10', 8000)") == "ok")
                #expect(try app("peer('c')") == "127.64.0.10 8000")
                #expect(try broker.counter("connects") == 0)
            }
        }

        @Test func withoutSettingsConnectsPass() throws {
            try TestGround.with { ground in
                let plane = try KernelPlane.open(ground.location)
                let server = try ground.peer("out")
                let port = try server.listen("s", "127.65.0.1")
                #expect(try ground.peer("app").connect("c", "127.65.0.1", port) == "ok")
                let counters = try plane.inspector().counters().filter { $0.value > 0 }.map(\.name)
                #expect(counters == ["connects", "no_settings"])
            }
        }

        @Test func fastOpenIsNoWayRound() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000), rule("127.65.0.0/16", 0, .deny)])
                let app = try ground.peer("app")
                #expect(try app("fastopen('d', '127.65.0.10', 8000)") == "error ECONNREFUSED")
                #expect(try app("fastopen('c', '127.64.0.10', 8000)") == "ok")
                try broker.proxy("accept('l4', 'a')")
                #expect(try broker.proxy.origin("a")["host"] == "127.64.0.10")
                #expect(try broker.proxy("hear('a')") == "early")
                #expect(try broker.flowOrigins == 0)
            }
        }

        /// The programs see the first subflow. Its origin is not the MPTCP socket's, whose getpeername shows the proxy.
        @Test func multipathIsNoWayRound() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000), rule("127.65.0.0/16", 0, .deny)])
                let app = try ground.peer("app")
                let answer = try app("multipath('c', '127.64.0.10', 8000)")
                if answer == "none" { return }
                #expect(answer == "ok")
                try broker.proxy("accept('l4', 'a')")
                #expect(try broker.proxy.origin("a")["host"] == "127.64.0.10")
                #expect(try app("multipath('d', '127.65.0.10', 8000)") == "error ECONNREFUSED")
            }
        }

        @Test func noOriginIsLostInACrowd() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000), rule("::1/128", 8000)])
                let callers = try (0..<4).map { _ in try ground.peer("app") }
                try broker.proxy("serve('l4', 1000)")
                try broker.proxy("serve('l6', 1000)")
                for (index, caller) in callers.enumerated() {
                    try caller.start("storm('\(index % 2 == 0 ? "127.64.0.10" : "::1")', 8000, 500)")
                }
                for caller in callers { #expect(try caller.answer() == "done") }
                #expect(try eventually { try broker.proxy("len(served)") == "2000" })
                #expect(try broker.proxy("served.count(104)") == "2000")
                #expect(try broker.counter("captured") == 2000)
                #expect(try broker.counter("origin_missing") == 0)
                #expect(try broker.flowOrigins == 0)
            }
        }

        @Test func aSocketThatConnectsAgainForgetsItsOrigin() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                let server = try ground.peer("out")
                let port = try server.listen("s", "127.65.0.1")
                let app = try ground.peer("app")
                #expect(try app.connect("c", "127.64.0.10", 8000) == "ok")
                #expect(try app("disconnect('c')") == "0")
                #expect(try app("dial('c', '127.65.0.1', \(port))") == "ok")
                #expect(try app("peer('c')") == "127.65.0.1 \(port)")
                #expect(try broker.flowOrigins == 0)
            }
        }
    }
}
