import Catalog
import Dispatch
import Synchronization
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

    @Test func aHangingLookupHoldsUpNobody() async {
        let gate = DispatchSemaphore(value: 0)
        let asked = Mutex<[String]>([])
        let resolver = NameResolver { name in
            asked.withLock { $0.append(name) }
            if name == "hangs" { gate.wait() }
            return .addresses([IPAddress(v4: 10, 0, 0, 1)])
        }
        let names = ["a", "hangs", "b", "c", "d", "e"]
        // So long that only the gate ends it.
        async let answers = resolver.resolve(names, limit: .seconds(1000))
        #expect(await eventually(within: .seconds(60)) { asked.withLock { Set($0) } == Set(names) }, "while one hangs")
        gate.signal()
        #expect(await answers.values.allSatisfy { $0 == .addresses([IPAddress(v4: 10, 0, 0, 1)]) })
        #expect(await answers.count == names.count)
    }

    @Test func aHangingLookupIsGivenUp() async {
        let gate = DispatchSemaphore(value: 0)
        defer { gate.signal() }
        let resolver = NameResolver { _ in
            gate.wait()
            return .none("too late")
        }
        #expect(await resolver.resolve(["hangs"], limit: .milliseconds(200)) == ["hangs": .unknown("no answer in time")])
    }

    @Test func theSystemKnowsItself() {
        guard case .addresses(let found, _) = NameResolver.system("localhost") else {
            Issue.record("localhost does not resolve")
            return
        }
        #expect(found.filter { !$0.isLoopback } == [])
    }
}
