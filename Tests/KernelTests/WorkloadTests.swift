import KernelPlane
import Testing

extension KernelSuite {
    @Suite struct WorkloadTests {
        @Test func theBrokerIsNotCaptured() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                let server = try ground.peer("out")
                try server("listen('s', '127.64.0.10', 8000)")
                #expect(try broker.proxy.connect("c", "127.64.0.10", 8000) == "ok")
                #expect(try broker.proxy("peer('c')") == "127.64.0.10 8000")
                #expect(try server("accept('s', 'a')").hasPrefix("127."))
                #expect(try broker.counter("exempt") == 1)
                #expect(try broker.counter("captured") == 0)
            }
        }

        @Test func noEntryBelowTheBrokerBreaksTheLoopGuard() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                try broker.plane.setWorkload(ground.cgroupID("broker/proxy"), WorkloadEntry(client: 3, exempt: false))
                try broker.plane.setWorkload(ground.cgroupID("broker"), WorkloadEntry(client: 3, exempt: false))
                try broker.plane.removeWorkload(ground.cgroupID("broker"))
                #expect(try broker.proxy.connect("c", "127.64.0.10", 8000) == "error ECONNREFUSED")
                #expect(try broker.counter("exempt") == 1)
            }
        }

        @Test func aNewCgroupBelowAKnownOneIsKnown() throws {
            try TestGround.with { ground in
                let app = try ground.cgroupID("app")
                let broker = try Broker(
                    ground, rules: [rule("127.64.0.0/16", 8000)], workloads: [app: WorkloadEntry(client: 9, exempt: false)])
                try ground.makeCgroup(ground.name + "/app/inner/new")
                try ground.makeCgroup(ground.name + "/app/inner/new/newer")
                #expect(try ground.peer("app/inner/new/newer").connect("c", "127.64.0.10", 8000) == "ok")
                try broker.proxy("accept('l4', 'a')")
                let origin = try broker.proxy.origin("a")
                #expect(origin["client"] == "9")
                #expect(origin["workload"] == "\(app)")
                #expect(origin["cgroup"] == "\(try ground.cgroupID("app/inner/new/newer"))")
            }
        }

        @Test func theDeepestEntryWins() throws {
            try TestGround.with { ground in
                let (app, inner) = (try ground.cgroupID("app"), try ground.cgroupID("app/inner"))
                let broker = try Broker(
                    ground, rules: [rule("127.64.0.0/16", 8000)], workloads: [app: WorkloadEntry(client: 1, exempt: false)])
                let caller = try ground.peer("app/inner")
                try broker.plane.setWorkload(inner, WorkloadEntry(client: 2, exempt: false))
                #expect(try caller.connect("c", "127.64.0.10", 8000) == "ok")
                try broker.proxy("accept('l4', 'a')")
                #expect(try broker.proxy.origin("a")["client"] == "2")
                try broker.plane.removeWorkload(inner)
                #expect(try caller.connect("c", "127.64.0.10", 8000) == "ok")
                try broker.proxy("accept('l4', 'b')")
                #expect(try broker.proxy.origin("b")["client"] == "1")
                #expect(try broker.plane.inspector().workloads().count == 2)
            }
        }

        @Test func anUnknownCallerIsCapturedWithoutAClient() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                #expect(try ground.peer("app").connect("c", "127.64.0.10", 8000) == "ok")
                try broker.proxy("accept('l4', 'a')")
                let origin = try broker.proxy.origin("a")
                #expect(origin["client"] == "0")
                #expect(origin["workload"] == "0")
            }
        }

        @Test func anUnprivilegedProxyCanRegisterItsListeners() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)], listening: false)
                let app = try ground.peer("app")
                #expect(try app.connect("c", "127.64.0.10", 8000) == "error ECONNREFUSED")
                #expect(try broker.proxy("become(65534)") == "65534")
                try broker.put("l4", .host4)
                #expect(try app.connect("d", "127.64.0.10", 8000) == "ok")
                try broker.proxy("accept('l4', 'a')")
                #expect(try broker.proxy.origin("a")["host"] == "127.64.0.10")
            }
        }
    }
}
