import KernelPlane
import Testing

extension KernelSuite {
    @Suite struct OriginTests {
        @Test func theProxyLearnsWhoDialledWhat() throws {
            try TestGround.with { ground in
                let app = try ground.cgroupID("app")
                let broker = try Broker(
                    ground, rules: [rule("127.99.0.0/16", 1), rule("127.64.0.0/16", 8000)],
                    workloads: [app: WorkloadEntry(client: 5, exempt: false)])
                let caller = try ground.peer("app/inner")
                #expect(try caller("become(65534)") == "65534")
                #expect(try caller.connect("c", "127.64.0.10", 8000) == "ok")
                try broker.proxy("accept('l4', 'a')")
                let origin = try broker.proxy.origin("a")
                #expect(origin["size"] == "104")
                #expect(origin["host"] == "127.64.0.10")
                #expect(origin["port"] == "8000")
                #expect(origin["rule"] == "1")
                #expect(origin["flags"] == "0")
                #expect(origin["client"] == "5")
                #expect(origin["pid"] == "\(caller.pid)")
                #expect(origin["uid"] == "65534")
                #expect(origin["cgroup"] == "\(try ground.cgroupID("app/inner"))")
                #expect(origin["workload"] == "\(app)")
                #expect(origin["netns"] == "\(HostFacts.hostNetnsCookie() ?? 0)")
                #expect(origin["cookie"] == (try caller("cookie('c')")))
                #expect(origin["comm"]?.hasPrefix("python3") == true)
            }
        }

        @Test func anyProxyCanAskForTheOriginalDestination() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000), rule("::1/128", 8001)])
                let app = try ground.peer("app")
                #expect(try app.connect("c", "127.64.0.10", 8000) == "ok")
                #expect(try app.connect("d", "::1", 8001) == "ok")
                try broker.proxy("accept('l4', 'a')")
                try broker.proxy("accept('l6', 'b')")
                #expect(try broker.proxy("original('a', 0)") == "16 127.64.0.10 8000")
                #expect(try broker.proxy("original('b', 41)") == "28 ::1 8001")
                // Each family by its own level only.
                #expect(try broker.proxy("original('b', 0)").hasPrefix("error "))
                #expect(try broker.proxy("original('a', 41)").hasPrefix("error "))
            }
        }

        @Test func aBufferTooSmallIsAnErrorAndCounted() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                #expect(try ground.peer("app").connect("c", "127.64.0.10", 8000) == "ok")
                try broker.proxy("accept('l4', 'a')")
                #expect(try broker.proxy("original('a', 0, 15)").hasPrefix("error "))
                #expect(try broker.proxy("origin('a', 95)").hasPrefix("error="))
                #expect(try broker.counter("sockopt_short") == 2)
                #expect(try broker.proxy("original('a', 0, 16)") == "16 127.64.0.10 8000")
            }
        }

        @Test func theProxysPeerIsNotDisguised() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                let app = try ground.peer("app")
                #expect(try app.connect("c", "127.64.0.10", 8000) == "ok")
                let accepted = try broker.proxy("accept('l4', 'a')")
                #expect(accepted == "127.0.0.1 \(try app("port('c')"))")
                #expect(try broker.proxy("peer('a')") == accepted)
            }
        }

        @Test func aConnectionMadeToTheCapturePortHasNoOrigin() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                let gateway = try broker.proxy.listen("g", "127.0.0.1")
                let outside = try ground.peer("out")
                #expect(try outside.connect("c", "127.0.0.1", broker.port4) == "ok")
                #expect(try outside.connect("d", "127.0.0.1", gateway) == "ok")
                try broker.proxy("accept('l4', 'a')")
                try broker.proxy("accept('g', 'b')")
                #expect(try broker.proxy.origin("a")["error"] != nil)
                // The gateway's connections lack one rightly.
                #expect(try broker.counter("origin_missing") == 1)
            }
        }

        @Test func nothingIsLeftWhenConnectionsEnd() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                let app = try ground.peer("app")
                for asks in 0..<20 {
                    #expect(try app.connect("c", "127.64.0.10", 8000) == "ok")
                    try broker.proxy("accept('l4', 'a')")
                    #expect(try broker.flowOrigins == 1)
                    if asks.isMultiple(of: 2) {
                        #expect(try broker.proxy.origin("a")["error"] == nil)
                        #expect(try broker.flowOrigins == 0)
                    }
                    try app("close('c')")
                    try broker.proxy("close('a')")
                    #expect(try eventually { try broker.flowOrigins == 0 })
                }
                #expect(try broker.counter("captured") == 20)
            }
        }

        /// A caller may send its request and be gone before the proxy has accepted.
        @Test func theOriginOutlivesACallerThatIsGone() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                let app = try ground.peer("app")
                #expect(try app.connect("c", "127.64.0.10", 8000) == "ok")
                try app("close('c')")
                try broker.proxy("accept('l4', 'a')")
                #expect(try broker.proxy.origin("a")["port"] == "8000")
                #expect(try broker.flowOrigins == 0)
            }
        }

        /// Connections that the proxy had not accepted when it died leave nothing, either.
        @Test func nothingIsLeftOfABacklog() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000)])
                let app = try ground.peer("app")
                for name in ["c", "d", "e"] { #expect(try app.connect(name, "127.64.0.10", 8000) == "ok") }
                #expect(try broker.flowOrigins == 3)
                try broker.proxy("close('l4')")
                #expect(try eventually { try broker.flowOrigins == 0 })
            }
        }

        @Test func nothingIsLeftOfAConnectThatFails() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [rule("127.64.0.0/16", 8000), rule("::1/128", 8000)])
                // The slots hold listeners that live, but connects go to ports that nobody has.
                try broker.proxy("listen('x4', '127.0.0.1')")
                try broker.proxy("listen('x6', '::1')")
                try broker.put("x4", .host4)
                try broker.put("x6", .host6)
                try broker.proxy("close('l4', 'l6')")
                let app = try ground.peer("app")
                #expect(try app.connect("c", "127.64.0.10", 8000) == "error ECONNREFUSED")
                #expect(try app.connect("d", "::ffff:127.64.0.10", 8000) == "error ECONNREFUSED")
                #expect(try app.connect("e", "::1", 8000) == "error ECONNREFUSED")
                #expect(try broker.counter("captured") == 3)
                #expect(try broker.flowOrigins == 0)
                #expect(try broker.counter("origin_full") == 0)
            }
        }
    }
}
