import Catalog
import Glibc
import KernelPlane
import Testing

extension KernelSuite {
    /// Which endpoints a socket can be sent to, and what its owner sees of it.
    @Suite struct DirectAddressTests {
        @Test(arguments: ["127.70.0.1", "::ffff:127.70.0.1", "::1"]) func theCallerSeesWhatItDialled(host: String) throws {
            try TestGround.with { ground in
                let direct = try DirectGround(ground, weights: [1])
                let app = try ground.peer("app")
                // An IPv6 socket reaches an IPv4 endpoint as a mapped address.
                #expect(try app.connect("c", host, direct.port) == "ok")
                #expect(try app("peer('c')") == "\(host) \(direct.port)")
                #expect(try direct.open() == [1])
                try app("close('c')")
                #expect(try eventually { try direct.open() == [0] })
            }
        }

        @Test func anEndpointOfTheOtherFamilyIsLeftOut() throws {
            try TestGround.with { ground in
                let direct = try DirectGround(ground, weights: [1], host: "::1")
                let app = try ground.peer("app")
                #expect(try app.connect("a", "::1", direct.port) == "ok")
                #expect(try app("peer('a')") == "::1 \(direct.port)")
                #expect(try direct.open() == [1])
                // An IPv4 socket cannot go there, so it goes where it was dialled to.
                #expect(try app.connect("b", "127.70.0.1", direct.port) == "ok")
                #expect(try direct.open() == [1])
                #expect(try direct.governed.broker.counter("endpoint_none") == 1)
            }
        }

        @Test func aSocketForIPv6OnlyIsNotSentToIPv4() throws {
            try TestGround.with { ground in
                let direct = try DirectGround(ground, weights: [1])
                let app = try ground.peer("app")
                #expect(try app("only6('c', '::1', \(direct.port))") == "error ECONNREFUSED")
                #expect(try direct.picked() == [0])
                #expect(try direct.governed.broker.counter("endpoint_none") == 1)
            }
        }

        @Test func aSocketBoundToAnAddressStaysWithItsFamily() throws {
            try TestGround.with { ground in
                let direct = try DirectGround(ground, weights: [1])
                let six = try direct.engines.listen("six", "::1")
                try direct.put(direct.endpoints + [DirectEndpoint(address: try address("::1", six), weight: 1)])
                let app = try ground.peer("app")
                for index in 0..<4 {
                    #expect(try app("bound('b\(index)', '::1', '::1', 0, \(direct.port))") == "ok")
                }
                #expect(try direct.open() == [0, 4])
                for index in 0..<4 {
                    #expect(try app("bound('c\(index)', '127.70.0.1', '127.0.0.1', 0, \(direct.port))") == "ok")
                }
                #expect(try direct.open() == [4, 4])
            }
        }

        @Test(.withNamespaces) func aPodIsNotSentToTheHostsLoopback() throws {
            try TestGround.with { ground in
                let network = try PodNetwork(ground)
                let direct = try DirectGround(ground, weights: [50])
                var rule = try rule("203.0.113.7/32", 80, .direct, .refuse)
                rule.model = "m"
                try direct.governed.broker.apply([rule], slots: direct.governed.slots)
                let pod = try ground.peer("app", namespace: network.name)
                #expect(try pod.connect("c", "203.0.113.7", 80) == "error ECONNREFUSED")
                #expect(try direct.picked() == [0])
                let port = try direct.engines.listen("r", "\(network.broker4)")
                let reachable = DirectEndpoint(address: SocketAddress(ip: network.broker4, port: port))
                try direct.put(direct.endpoints + [reachable])
                for index in 0..<3 { #expect(try pod.connect("c\(index)", "203.0.113.7", 80) == "ok") }
                #expect(try pod("peer('c0')") == "203.0.113.7 80")
                #expect(try direct.open() == [0, 3])
            }
        }
    }
}
