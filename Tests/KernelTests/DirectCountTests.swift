import Catalog
import Glibc
import KernelPlane
import Testing

extension KernelSuite {
    /// What is counted as open at an endpoint is given back however the connection ends.
    @Suite struct DirectCountTests {
        @Test func everyEndGivesBack() throws {
            try TestGround.with { ground in
                let direct = try DirectGround(ground, weights: [1, 1])
                let app = try ground.peer("app")
                let port = direct.port
                try app("hold('a', '127.70.0.1', \(port), 10)")
                try app("hold('b', '127.70.0.1', \(port), 10)")
                #expect(try direct.open() == [10, 10])
                try app("let('a', 10)")
                try app("reset('b', 10)")
                #expect(try eventually { try direct.open() == [0, 0] })

                // The caller dies.
                let doomed = try ground.peer("app")
                try doomed("hold('d', '127.70.0.1', \(port), 6)")
                #expect(try direct.open() == [3, 3])
                doomed.stop()
                #expect(try eventually { try direct.open() == [0, 0] })

                // The engine hangs up first, then the caller.
                try app("hold('e', '127.70.0.1', \(port), 4)")
                direct.engines.stop()
                try app("let('e', 4)")
                #expect(try eventually { try direct.open() == [0, 0] })

                // Nobody is there any more.
                for _ in 0..<20 { #expect(try app.connect("f", "127.70.0.1", port) == "error ECONNREFUSED") }
                #expect(try direct.open() == [0, 0])
                #expect(try direct.readings().map(\.failed).reduce(0, +) == 20)
            }
        }

        @Test func whatNeverBeganGivesBack() throws {
            try TestGround.with { ground in
                let direct = try DirectGround(ground, weights: [1])
                let app = try ground.peer("app")
                #expect(try app("bound('a', '127.70.0.1', '127.0.0.1', 0, \(direct.port))") == "ok")
                let taken = try app("port('a')")
                let same = "bound('b', '127.70.0.1', '127.0.0.1', \(taken), \(direct.port))"
                for _ in 0..<5 {
                    #expect(try app(same) == "error EADDRNOTAVAIL")
                    try app("close('b')")
                    #expect(try direct.open() == [1])
                }
                // Again and again on one socket.
                for _ in 0..<3 {
                    #expect(try app("disconnect('a')") == "0")
                    #expect(try direct.open() == [0])
                    #expect(try app("redial('a', '127.70.0.1', \(direct.port))") == "ok")
                    #expect(try direct.open() == [1])
                }
                try app("close('a')")
                #expect(try eventually { try direct.open() == [0] })
                #expect(try direct.governed.qos().open == 0)
            }
        }

        @Test func theNextAgentFindsTheCounts() throws {
            try TestGround.with { ground in
                let direct = try DirectGround(ground, weights: [1, 1])
                let app = try ground.peer("app")
                try app("hold('a', '127.70.0.1', \(direct.port), 8)")
                let next = try KernelPlane.open(ground.location)
                #expect(next.adopted)
                // The one that stays keeps its count, in whatever order; a new one begins with none.
                let new = DirectEndpoint(address: try address("127.0.0.1", 9), usable: false)
                try next.apply(endpointSets: [try direct.governed.slot(): [new, direct.endpoints[1]]])
                let readings = try next.inspector().endpoints()
                #expect(readings.map(\.open) == [0, 4] && readings.map(\.picked) == [0, 4])
                // The one that was removed is still counted, in a slot that nobody else gets.
                let states = try next.inspector().dump(map: "endpoint_state")
                let open = states.compactMap { state in state.first { $0.0 == "open" }?.1 }
                #expect(open.sorted() == ["0", "4", "4"])
                try app("let('a', 8)")
                #expect(try eventually { try next.inspector().endpoints().allSatisfy { $0.open == 0 } })
                #expect(try eventually { try next.inspector().dump(map: "endpoint_state").count == 2 })
            }
        }
    }
}
