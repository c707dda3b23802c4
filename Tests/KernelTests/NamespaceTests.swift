import Catalog
import Glibc
import KernelPlane
import Testing

/// A network namespace joined to the host's by a veth pair, with the host as its default route.
struct PodNetwork {
    let name: String
    /// The pod's own addresses, and the ones on the host's `lo` by which it reaches the proxy.
    let pod4: String
    let pod6: String
    let broker4: IPAddress
    let broker6: IPAddress

    init(_ ground: TestGround) throws {
        guard let ip = Requirements.ip else { throw Failure("no iproute2") }
        let unique = UInt16(truncatingIfNeeded: getpid())
        let (high, low) = (UInt8(unique >> 8), UInt8(unique & 0xff))
        name = "mbt\(unique)"
        pod4 = "10.\(high).\(low).2"
        pod6 = "fd6d:62:\(String(unique, radix: 16))::2"
        let host4 = "10.\(high).\(low).1"
        let host6 = "fd6d:62:\(String(unique, radix: 16))::1"
        broker4 = IPAddress(v4: 169, 254, high, max(1, low))
        broker6 = try Self.address("fd6d:63:\(String(unique, radix: 16))::1")

        let name = name
        try ChildProcess.run(ip, "netns", "add", name)
        ground.onClean { try? ChildProcess.run(ip, "netns", "del", name) }
        try ChildProcess.run(ip, "link", "add", "\(name)h", "type", "veth", "peer", "name", "\(name)p", "netns", name)
        ground.onClean { try? ChildProcess.run("/bin/sh", "-c", "\(ip) link del \(name)h 2>/dev/null; true") }
        try ChildProcess.run(ip, "address", "add", "\(host4)/30", "dev", "\(name)h")
        try ChildProcess.run(ip, "address", "add", "\(host6)/64", "dev", "\(name)h", "nodad")
        try ChildProcess.run(ip, "-n", name, "address", "add", "\(pod4)/30", "dev", "\(name)p")
        try ChildProcess.run(ip, "-n", name, "address", "add", "\(pod6)/64", "dev", "\(name)p", "nodad")
        try ChildProcess.run(ip, "link", "set", "\(name)h", "up")
        try ChildProcess.run(ip, "-n", name, "link", "set", "lo", "up")
        try ChildProcess.run(ip, "-n", name, "link", "set", "\(name)p", "up")
        try ChildProcess.run(ip, "-n", name, "route", "add", "default", "via", host4)
        try ChildProcess.run(ip, "-n", name, "-6", "route", "add", "default", "via", host6)
        for address in [broker4, broker6] {
            guard try LoopbackAddress.add(address) else { throw Failure("\(address) was there already") }
            ground.onClean { _ = try? LoopbackAddress.remove(address) }
        }
    }

    private static func address(_ text: String) throws -> IPAddress {
        guard let address = IPAddress(text) else { throw Failure("no address: \(text)") }
        return address
    }
}

extension KernelSuite {
    @Suite(.withNamespaces) struct NamespaceTests {
        @Test func aPodGoesToThePodAddress() throws {
            try TestGround.with { ground in
                let network = try PodNetwork(ground)
                let rules = try [rule("127.64.0.0/16", 8000), rule("203.0.113.0/24", 8000), rule("2001:db8::/32", 8000)]
                let broker = try Broker(ground, rules: rules)
                let port4 = try broker.proxy.listen("p4", "\(network.broker4)")
                let port6 = try broker.proxy.listen("p6", "\(network.broker6)")
                try broker.put("p4", .pod4)
                try broker.put("p6", .pod6)
                try broker.apply(
                    rules,
                    pods: [
                        SocketAddress(ip: network.broker4, port: port4), SocketAddress(ip: network.broker6, port: port6),
                    ])
                let pod = try ground.peer("app", namespace: network.name)

                #expect(try pod.connect("c", "203.0.113.7", 8000) == "ok")
                #expect(try pod("peer('c')") == "203.0.113.7 8000")
                #expect(try broker.proxy("accept('p4', 'a')") == "\(network.pod4) \(try pod("port('c')"))")
                let origin = try broker.proxy.origin("a")
                #expect(origin["host"] == "203.0.113.7")
                #expect(origin["flags"] == "1")
                #expect(origin["netns"] == (try pod("netns()")))
                #expect(origin["pid"] == "\(pod.pid)")

                #expect(try pod.connect("d", "2001:db8::7", 8000) == "ok")
                #expect(try pod("peer('d')") == "2001:db8::7 8000")
                #expect(try broker.proxy("accept('p6', 'b')").hasPrefix(network.pod6))
                #expect(try broker.proxy.origin("b")["host"] == "2001:db8::7")

                #expect(try pod.connect("e", "::ffff:203.0.113.8", 8000) == "ok")
                try broker.proxy("accept('p4', 'e')")
                #expect(try broker.proxy.origin("e")["flags"] == "3")
                #expect(try broker.flowOrigins == 0)

                // The host's own callers still go to the host's listener.
                #expect(try ground.peer("app").connect("c", "127.64.0.10", 8000) == "ok")
                #expect(try broker.proxy("accept('l4', 'h')").hasPrefix("127."))
            }
        }

        @Test func aPodWithoutAPodAddressFollowsTheRule() throws {
            try TestGround.with { ground in
                let network = try PodNetwork(ground)
                let broker = try Broker(
                    ground, rules: [rule("203.0.113.0/24", 8000), rule("127.64.0.0/16", 8000, .proxy, .direct)])
                let pod = try ground.peer("app", namespace: network.name)
                #expect(try pod.connect("c", "203.0.113.7", 8000) == "error ECONNREFUSED")
                #expect(try broker.counter("no_target") == 1)
                let events = try broker.events()
                #expect(events.map(\.kind) == [.refused])
                #expect(events.first?.origin.foreignNetns == true)

                // `direct` reaches a server in the pod's own namespace.
                try pod("listen('s', '127.64.0.10', 8000)")
                #expect(try pod.connect("d", "127.64.0.10", 8000) == "ok")
                #expect(try pod("peer('d')") == "127.64.0.10 8000")
                #expect(try broker.counter("direct") == 1)
            }
        }

        /// The iterator sees the sockets of one namespace; those of pods follow with their traffic.
        @Test func aPodsSocketsFollowWithTheirTraffic() throws {
            try TestGround.with { ground in
                let network = try PodNetwork(ground)
                let governed = try Governed(ground, [ModelEntry(name: "m", qos: qos { $0.dscp = 8 })])
                var rule = try rule("\(network.broker4)/32", 0, .direct, .direct)
                rule.model = "m"
                try governed.broker.apply([rule], slots: governed.slots)
                let port = try governed.server.listen("p", "\(network.broker4)")
                let pod = try ground.peer("app", namespace: network.name)
                #expect(try pod.connect("c", "\(network.broker4)", port) == "ok")
                #expect(try pod("marks('c')") == "tos=32 priority=0 lowat=0 pacing=none")
                try governed.server("accept('p', 'a')")
                try governed.server("sink('a')")
                let table = governed.broker.plane.qos
                _ = try table.set(
                    "m",
                    qos {
                        $0.dscp = 16; $0.bandwidth = 30_000_000
                    }, by: 0)
                #expect(try table.reapply() == 0)
                #expect(try pod("marks('c')") == "tos=32 priority=0 lowat=0 pacing=none")
                try pod("pump('c', 100000)")
                #expect(try eventually { try pod("marks('c')") == "tos=64 priority=0 lowat=0 pacing=30000000" })
                _ = try governed.broker.plane.apply(models: [])
                try pod("pump('c', 100000)")
                #expect(try eventually { try pod("marks('c')") == "tos=0 priority=0 lowat=0 pacing=none" })
            }
        }

        /// A total that holds as flows join and leave, without a segment sent twice.
        @Test func theBandwidthIsATotal() throws {
            try TestGround.with { ground in
                let network = try PodNetwork(ground)
                let bytesPerSecond = 12_500_000
                let governed = try Governed(ground, [ModelEntry(name: "m", qos: qos { $0.bandwidth = UInt64(bytesPerSecond) })])
                var rule = try rule("\(network.broker4)/32", 0, .direct, .direct)
                rule.model = "m"
                try governed.broker.apply([rule], slots: governed.slots)
                let port = try governed.server.listen("p", "\(network.broker4)")
                let pod = try ground.peer("app", namespace: network.name)
                for flows in [1, 4] {
                    let keys = (0..<flows).map { "k\(flows)\($0)" }
                    for key in keys {
                        #expect(try pod.connect(key, "\(network.broker4)", port) == "ok")
                        try governed.server("accept('p', '\(key)')")
                        try governed.server("sink('\(key)')")
                    }
                    let list = "[\(keys.map { "'\($0)'" }.joined(separator: ", "))]"
                    let isHeld = { (seen: [String: Double]) in
                        let rate = seen["rate"] ?? 0
                        return abs(rate - Double(bytesPerSecond)) < Double(bytesPerSecond) * 0.05
                            && (seen["least"] ?? 0) > (seen["most"] ?? 0) * 0.9 && seen["retransmitted"] == 0
                    }
                    let seen = try undisturbed(within: 0.02, isHeld) { pairs(try pod("stream(\(list), 3)")) }
                    #expect(isHeld(seen), "\(seen)")
                    for key in keys { try pod("close('\(key)')") }
                    #expect(try eventually { try governed.qos().active.requests == 0 })
                }
            }
        }

        @Test func addressesComeAndGo() throws {
            try TestGround.with { ground in
                for text in ["169.254.253.77", "fd6d:64::77"] {
                    let address = try #require(IPAddress(text))
                    ground.onClean { _ = try? LoopbackAddress.remove(address) }
                    #expect(try LoopbackAddress.add(address))
                    #expect(try !LoopbackAddress.add(address))
                    let server = try ground.peer("out")
                    let port = try server.listen("s", text)
                    #expect(try ground.peer("out").connect("c", text, port) == "ok")
                    #expect(try LoopbackAddress.remove(address))
                    #expect(try !LoopbackAddress.remove(address))
                }
            }
        }
    }
}
