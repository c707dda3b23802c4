import Catalog
import Dispatch
import Testing

@testable import Agent

@Suite struct ResolvedNamesTests {
    private let one = IPAddress(v4: 10, 0, 0, 1)
    private let two = IPAddress(v4: 10, 0, 0, 2)

    @Test func anotherOrderIsNoChange() {
        var names = ResolvedNames()
        #expect(names.take(.addresses([one, two]), for: "engine") == true)
        #expect(names.take(.addresses([two, one]), for: "engine") == false)
        #expect(names.addresses["engine"] == [one, two])
        #expect(names.take(.addresses([two]), for: "engine") == true)
    }

    @Test func silenceKeepsWhatWasKnownAndANoDoesNot() {
        var names = ResolvedNames()
        _ = names.take(.addresses([one]), for: "engine")
        #expect(names.take(.unknown("timed out"), for: "engine") == false)
        #expect(names.addresses["engine"] == [one])
        #expect(names.take(.none("no such name"), for: "engine") == true)
        #expect(names.addresses["engine"] == [])
        #expect(names.take(.none("no such name"), for: "engine") == false)
    }

    @Test func fillsEndpointsByNameOnly() {
        let literal = Endpoint(
            host: "10.9.9.9", port: 1, authority: "10.9.9.9:1",
            addresses: [SocketAddress(ip: IPAddress(v4: 10, 9, 9, 9), port: 1)])
        let named = Endpoint(host: "engine", port: 8000, authority: "engine:8000")
        let catalog = Catalog(models: [
            Model(name: "m", endpoints: [literal, named, Endpoint(host: "gone", port: 1, authority: "gone:1")])
        ])
        #expect(catalog.endpointNames == ["engine", "gone"])
        var names = ResolvedNames()
        _ = names.take(.addresses([one]), for: "engine")
        let endpoints = names.applied(to: catalog).models[0].endpoints
        #expect(endpoints[0] == literal)
        #expect(endpoints[1].addresses == [SocketAddress(ip: one, port: 8000)])
        #expect(endpoints[2].addresses == [])
        #expect(names.missing(of: catalog.endpointNames) == ["gone"])
        names.keep(only: [])
        #expect(names.addresses.isEmpty)
    }

    @Test func aHangingLookupHoldsUpNobodyForLong() async {
        let gate = DispatchSemaphore(value: 0)
        let resolver = NameResolver { name in
            guard name == "hangs" else { return .addresses([IPAddress(v4: 10, 0, 0, 1)]) }
            gate.wait()
            return .none("too late")
        }
        defer { gate.signal() }
        let before = ContinuousClock.now
        let answers = await resolver.resolve(["a", "hangs", "b", "c", "d", "e"], limit: .seconds(3))
        #expect(ContinuousClock.now - before < .seconds(10))
        #expect(answers["hangs"] == .unknown("no answer in time"))
        #expect(answers["e"] == .addresses([IPAddress(v4: 10, 0, 0, 1)]))
        #expect(answers.count == 6)
    }

    @Test func theSystemKnowsItself() {
        guard case .addresses(let found, _) = NameResolver.system("localhost") else {
            Issue.record("localhost does not resolve")
            return
        }
        #expect(found.filter { !$0.isLoopback } == [])
    }
}
