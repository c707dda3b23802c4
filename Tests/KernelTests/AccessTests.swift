import Catalog
import KernelPlane
import Testing

extension KernelSuite {
    @Suite struct AccessTests {
        /// As layer 7 decides it: a denial wins, a client with a list is held to it, a private model takes an allowance.
        @Test func whoMayCallIsDecidedAtConnect() throws {
            try TestGround.with { ground in
                let app = try ground.cgroupID("app")
                let models = [ModelEntry(name: "open"), ModelEntry(name: "closed", isPrivate: true)]
                let governed = try Governed(ground, models)
                let caller = try ground.peer("app")
                func outcomes(_ workload: WorkloadEntry, _ access: [AccessEntry]) throws -> [String] {
                    try governed.broker.plane.apply(access: access)
                    try governed.broker.plane.setWorkload(app, workload)
                    return try ["127.70.0.1", "127.70.0.2"].map { try caller.connect("c", $0, governed.port) }
                }
                let plain = WorkloadEntry(client: 3, exempt: false)
                let listed = WorkloadEntry(client: 3, exempt: false, listed: true)
                let (open, closed) = (try governed.slot("open"), try governed.slot("closed"))
                let (yes, no) = ("ok", "error ECONNREFUSED")
                func entry(_ model: UInt32, _ verdict: AccessEntry.Verdict, client: UInt32 = 3) -> AccessEntry {
                    AccessEntry(model: model, client: client, verdict: verdict)
                }
                #expect(try outcomes(plain, []) == [yes, no])
                #expect(try outcomes(plain, [entry(closed, .allow)]) == [yes, yes])
                #expect(try outcomes(plain, [entry(closed, .allow, client: 4)]) == [yes, no])
                #expect(try outcomes(plain, [entry(open, .deny), entry(closed, .deny)]) == [no, no])
                #expect(try outcomes(plain, [entry(closed, .deny), entry(closed, .allow)]) == [yes, no])
                #expect(try outcomes(listed, [entry(closed, .allow)]) == [no, yes])
                #expect(try outcomes(listed, [entry(open, .allow)]) == [yes, no])
                #expect(try outcomes(WorkloadEntry(client: 0, exempt: false), []) == [yes, no])

                #expect(try governed.qos("closed").refusals.contains { $0.client == 3 && $0.reason == .access })
                #expect(try governed.qos("closed").refusals.contains { $0.client == 0 && $0.reason == .access })
                let event = try #require(try governed.broker.events().first { $0.kind == .limited && $0.reason == .access })
                #expect(event.reason == .access && event.origin.client == 3 && event.origin.pid == caller.pid)
                #expect(event.origin.model == closed && event.origin.workload == app)
                #expect(try eventually { try governed.qos("closed").open == 0 })
            }
        }

        @Test func observingOpensNoPrivateModel() throws {
            try TestGround.with { ground in
                let governed = try Governed(ground, [ModelEntry(name: "m", qos: qos { $0.mode = .observe }, isPrivate: true)])
                #expect(try ground.peer("app").connect("c", "127.70.0.1", governed.port) == "error ECONNREFUSED")
            }
        }

        @Test func accessIsDumped() throws {
            try TestGround.with { ground in
                let governed = try Governed(ground, [ModelEntry(name: "m")])
                try governed.broker.plane.apply(access: [AccessEntry(model: 1, client: 2, verdict: .deny)])
                let dumped = try governed.broker.plane.inspector().dump(map: "access")
                #expect(dumped.map { $0.map(\.1) } == [["1", "2", "deny"]])
                try governed.broker.plane.apply(access: [])
                #expect(try governed.broker.plane.inspector().dump(map: "access").isEmpty)
            }
        }
    }
}
