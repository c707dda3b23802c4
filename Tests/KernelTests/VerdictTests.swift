import Catalog
import KernelPlane
import Testing

extension KernelSuite {
    @Suite struct VerdictTests {
        @Test func denyRefusesWithTheRightErrno() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000, .deny), rule("::1/128", 8000, .deny)])
                let server = try ground.peer("out")
                try server("listen('s', '127.64.0.10', 8000)")
                let app = try ground.peer("app")
                #expect(try app.connect("c", "127.64.0.10", 8000) == "error ECONNREFUSED")
                #expect(try app.connect("d", "::1", 8000) == "error ECONNREFUSED")
                #expect(try app.connect("e", "::ffff:127.64.0.10", 8000) == "error ECONNREFUSED")
                #expect(try broker.counter("denied") == 3)
                #expect(try broker.counter("retval_failed") == 0)
                let events = try broker.events()
                #expect(events.map(\.kind) == [.denied, .denied, .denied])
                #expect(events.map { "\($0.origin.dialled)" } == ["127.64.0.10:8000", "[::1]:8000", "127.64.0.10:8000"])
                #expect(events.map(\.origin.pid) == [app.pid, app.pid, app.pid])
                #expect(events.map(\.origin.mapped) == [false, false, true])
            }
        }

        @Test func aClosedListenerIsNoticedAtOnce() throws {
            try TestGround.with { ground in
                let broker = try Broker(
                    ground, rules: [rule("127.64.0.0/16", 8000, .proxy, .refuse), rule("127.65.0.0/16", 8000, .proxy, .direct)])
                let server = try ground.peer("out")
                try server("listen('s', '127.65.0.10', 8000)")
                let app = try ground.peer("app")
                #expect(try app.connect("c", "127.64.0.10", 8000) == "ok")
                #expect(try app.connect("d", "127.65.0.10", 8000) == "ok")
                #expect(try broker.plane.inspector().listeners() == [true, true, false, false])

                try broker.proxy("close('l4')")
                #expect(try app.connect("e", "127.64.0.10", 8000) == "error ECONNREFUSED")
                #expect(try app.connect("f", "127.65.0.10", 8000) == "ok")
                #expect(try app("peer('f')") == "127.65.0.10 8000")
                #expect(try server("accept('s', 'a')").hasPrefix("127."))
                #expect(try broker.plane.inspector().listeners() == [false, true, false, false])
                #expect(try broker.counter("refused") == 1)
                #expect(try broker.counter("direct") == 1)
                #expect(try broker.counter("listener_missing") == 2)
                #expect(try broker.plane.inspector().ruleCounters(0) == RuleCounters(captured: 1, refused: 1))
                #expect(try broker.plane.inspector().ruleCounters(1) == RuleCounters(captured: 1, direct: 1))
                #expect(try broker.events().map(\.kind) == [.refused, .direct])
            }
        }

        @Test func aKilledProxyIsNoticedAtOnce() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                let app = try ground.peer("app")
                #expect(try app.connect("c", "127.64.0.10", 8000) == "ok")
                broker.proxy.stop()
                #expect(try app.connect("d", "127.64.0.10", 8000) == "error ECONNREFUSED")
                #expect(try broker.counter("refused") == 1)
                #expect(try broker.flowOrigins == 0)
            }
        }

        @Test func aSocketThatIsInTheMapButNoLongerListensDoesNotCount() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                try broker.proxy("socks['l4'].shutdown(0)")
                #expect(try ground.peer("app").connect("c", "127.64.0.10", 8000) == "error ECONNREFUSED")
                #expect(try broker.counter("refused") == 1)
            }
        }

        @Test func aCallerWithoutATargetFollowsTheRule() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                let cookie = try #require(HostFacts.hostNetnsCookie())
                let nowhere = PlaneSettings(generation: 2, hostNetnsCookie: cookie, targets: [nil, nil, nil, nil])
                try broker.plane.apply(settings: nowhere, rules: [rule("127.64.0.0/16", 8000)], workloads: [:])
                #expect(try ground.peer("app").connect("c", "127.64.0.10", 8000) == "error ECONNREFUSED")
                #expect(try broker.counter("no_target") == 1)
                #expect(try broker.counter("refused") == 1)
            }
        }

        @Test func theLongestPrefixWins() throws {
            try TestGround.with { ground in
                let broker = try Broker(
                    ground,
                    rules: [rule("127.64.0.0/16", 8000), rule("127.64.7.0/24", 8000, .deny), rule("127.64.7.7/32", 8000)])
                let app = try ground.peer("app")
                #expect(try app.connect("c", "127.64.0.10", 8000) == "ok")
                #expect(try app.connect("d", "127.64.7.10", 8000) == "error ECONNREFUSED")
                #expect(try app.connect("e", "127.64.7.7", 8000) == "ok")
                #expect(try broker.counter("denied") == 1)
            }
        }

        @Test func anExactPortWinsOverAnyPort() throws {
            try TestGround.with { ground in
                let broker = try Broker(
                    ground, rules: [rule("127.64.7.7/32", 0, .deny), rule("127.64.0.0/16", 8000), rule("::1/128", 0, .deny)])
                let app = try ground.peer("app")
                #expect(try app.connect("c", "127.64.7.7", 8000) == "ok")
                #expect(try app.connect("d", "127.64.7.7", 8001) == "error ECONNREFUSED")
                #expect(try app.connect("e", "::1", 8001) == "error ECONNREFUSED")
                #expect(try broker.counter("denied") == 2)
                #expect(try broker.counter("captured") == 1)
            }
        }

        @Test func rulesCanBeChangedAndGo() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                let app = try ground.peer("app")
                #expect(try app.connect("c", "127.64.0.10", 8000) == "ok")
                try broker.apply([rule("127.66.0.0/16", 8000), rule("::/0", 0, .deny)], generation: 2)
                #expect(try app.connect("d", "127.64.0.10", 8000) == "error ECONNREFUSED")
                #expect(try broker.counter("unmatched") == 1)
                #expect(try app.connect("e", "127.66.0.10", 8000) == "ok")
                let rules = try broker.plane.inspector().rules()
                #expect(
                    rules.map { "\($0.destination) \($0.id) \($0.path)" } == ["127.66.0.0/16:8000 0 proxy", "[::/0]:* 1 deny"])
                // Position 0 is another rule now; what it counted is gone.
                #expect(try broker.plane.inspector().ruleCounters(0) == RuleCounters(captured: 1))
                #expect(try broker.plane.inspector().settings().generation == 2)
            }
        }
    }
}
