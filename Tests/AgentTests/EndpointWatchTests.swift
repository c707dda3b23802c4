import Catalog
import Control
import KernelPlane
import Logging
import Synchronization
import Testing

@testable import Agent

private func address(_ last: UInt8, _ port: UInt16 = 80) -> SocketAddress {
    SocketAddress(ip: IPAddress(v4: 10, 0, 0, last), port: port)
}

/// A catalogue in which connect() chooses the endpoints of these models.
private func direct(_ models: [String: [[SocketAddress]]], weights: [UInt16] = []) -> Catalog {
    let names = models.keys.sorted()
    return Catalog(
        rules: names.map { CaptureRule(name: $0, to: [], path: .direct, model: $0) },
        models: names.map { name in
            Model(
                name: name,
                endpoints: (models[name] ?? []).enumerated().map { index, addresses in
                    Endpoint(
                        host: "h\(index)", port: 80, authority: "h\(index)", addresses: addresses,
                        weight: index < weights.count ? weights[index] : 1)
                })
        })
}

@Suite struct DirectSetsTests {
    @Test func onlyModelsOfDirectRulesHaveSets() {
        var catalog = direct(["a": [[address(1)]]])
        catalog.models.append(
            Model(name: "b", endpoints: [Endpoint(host: "x", port: 1, authority: "x", addresses: [address(9)])]))
        let sets = DirectSets(catalog)
        #expect(sets.addresses == [address(1)])
        #expect(sets.models(of: address(1)) == ["a"])
        #expect(sets.models(of: address(9)) == [])
    }

    @Test func weightsAreOfAllAddressesTogether() {
        let plain = DirectSets(direct(["a": [[address(1)], [address(2)]]], weights: [2, 1])).members["a"]
        #expect(plain?.map(\.weight) == [2, 1])
        let split = DirectSets(direct(["a": [[address(1), address(2)], [address(3)], []]], weights: [2, 1])).members["a"] ?? []
        #expect(split.count == 3)
        let (one, two, three) = (Int(split[0].weight), Int(split[1].weight), Int(split[2].weight))
        #expect(one == two)
        #expect(abs(one + two - 2 * three) <= 2, "\(one) \(two) \(three)")
        let heavy =
            DirectSets(direct(["a": [(1...3).map { address($0) }, [address(4)]]], weights: [65_535, 1])).members["a"] ?? []
        #expect(heavy.map(\.weight) == [21_845, 21_845, 21_845, 1])
    }

    @Test func withoutWeightThereIsNothing() {
        let sets = DirectSets(direct(["a": [[address(1)], [address(2)]]], weights: [0, 3]))
        #expect(sets.members["a"]?.map(\.address) == [address(2)])
    }

    @Test func anAddressCountsOnce() {
        let sets = DirectSets(direct(["a": [[address(1)], [address(1), address(2)]]], weights: [5, 7]))
        #expect(sets.members["a"]?.map(\.address) == [address(1), address(2)])
    }

    @Test func moreThanConnectChoosesAmongAreLeftOut() {
        let sets = DirectSets(direct(["a": [(1...40).map { address($0) }]]))
        #expect(sets.members["a"]?.count == 32)
        #expect(sets.truncated == ["a"])
    }

    @Test func whoHasNotBeenAskedIsUsable() {
        let sets = DirectSets(direct(["a": [[address(1)], [address(2)]], "none": [[address(3)]]]))
        let kernel = sets.sets(["a": 7], usable: [address(2): false])
        #expect(kernel.keys.sorted() == [7], "a model without a slot has no set")
        #expect(kernel[7]?.map(\.usable) == [true, false])
    }
}

@Suite struct EndpointWatchTests {
    /// A kernel that remembers what it was told.
    private final class FakeKernel: Sendable {
        struct State {
            var applied: [DirectPlane.Sets] = []
            var told: [String] = []
            var isBroken = false
        }

        let state = Mutex(State())

        var plane: DirectPlane {
            DirectPlane(
                apply: { (sets) throws(KernelPlaneError) in try self.change { $0.applied.append(sets) } },
                setUsable: { (usable, address, slot) throws(KernelPlaneError) in
                    try self.change { $0.told.append("\(slot) \(address) \(usable)") }
                })
        }

        private func change(_ body: (inout sending State) -> Void) throws(KernelPlaneError) {
            let broken = state.withLock { state in
                if !state.isBroken { body(&state) }
                return state.isBroken
            }
            if broken { throw KernelPlaneError(operation: "tell", object: "the kernel") }
        }
    }

    private let kernel = FakeKernel()
    private let hub = EventHub()

    private func watch() -> EndpointWatch {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return EndpointWatch(plane: kernel.plane, hub: hub, logger: logger)
    }

    @Test func aChangeReachesTheKernelAndIsAnEvent() throws {
        let watch = watch()
        try watch.apply(direct(["a": [[address(1)]], "b": [[address(1)], [address(2)]]]), ["a": 1, "b": 2], usable: [:])
        #expect(try watch.settle() == [address(1): true, address(2): true])
        watch.take(.init(address: address(1), usable: false, reason: "Connection refused"))
        #expect(kernel.state.withLock(\.told) == ["1 10.0.0.1:80 false", "2 10.0.0.1:80 false"])
        let events = hub.last(10)
        #expect(events.map(\.kind) == [.endpointDown, .endpointDown])
        #expect(events.map(\.model) == ["a", "b"])
        #expect(events.first?.address == "10.0.0.1:80" && events.first?.detail == "Connection refused")
        watch.take(.init(address: address(1), usable: true, reason: nil))
        #expect(hub.last(1).first?.kind == .endpointUp)
        watch.take(.init(address: address(9), usable: false, reason: "nobody's"))
        #expect(hub.last(10).count == 4)
    }

    /// Drained, unwell at layer 7 or in maintenance: connect() does not choose it whatever the probes find.
    @Test func whoIsKeptOutIsNotChosen() throws {
        let watch = watch()
        try watch.apply(direct(["a": [[address(1)], [address(2)]]]), ["a": 1], usable: [:])
        _ = try watch.settle()
        let key = EndpointKey(url: "http://h0", address: address(1))
        watch.keepOut([key, EndpointKey(url: "http://other", address: address(2))])
        #expect(kernel.state.withLock(\.told) == ["1 10.0.0.1:80 false"], "another URL at that address is another endpoint")
        watch.take(.init(address: address(1), usable: false, reason: "x"))
        watch.take(.init(address: address(1), usable: true, reason: nil))
        #expect(kernel.state.withLock(\.told).count == 1)
        #expect(try watch.settle() == [address(1): true, address(2): true], "what the probes know is theirs")
        try watch.apply(direct(["a": [[address(1)], [address(3)]]]), ["a": 1], usable: [:])
        #expect(kernel.state.withLock(\.applied).last?[1]?.map(\.usable) == [false, true])
        watch.keepOut([])
        #expect(kernel.state.withLock(\.told).last == "1 10.0.0.1:80 true")
        watch.take(.init(address: address(1), usable: false, reason: "x"))
        watch.keepOut([key])
        watch.keepOut([])
        #expect(kernel.state.withLock(\.told).last == "1 10.0.0.1:80 false", "the probe still fails")
    }

    /// A rule that is still in force keeps its endpoints until the rules have changed.
    @Test func setsThatGoStayUntilTheEnd() throws {
        let watch = watch()
        try watch.apply(direct(["a": [[address(1)]]]), ["a": 1], usable: [:])
        _ = try watch.settle()
        try watch.apply(direct(["b": [[address(2)]]]), ["b": 2], usable: [address(2): false])
        #expect(kernel.state.withLock(\.applied).last?.keys.sorted() == [1, 2])
        #expect(try watch.settle() == [address(2): false])
        #expect(kernel.state.withLock(\.applied).last?.keys.sorted() == [2])
        try watch.apply(direct(["b": [[address(2)]]]), ["b": 2], usable: [address(2): false])
        _ = try watch.settle()
        #expect(kernel.state.withLock(\.applied).count == 3, "the same is not written again")
    }

    @Test func whatTheKernelDidNotHearIsSaidAgain() throws {
        let watch = watch()
        try watch.apply(direct(["a": [[address(1)]]]), ["a": 1], usable: [:])
        kernel.state.withLock { $0.isBroken = true }
        watch.take(.init(address: address(1), usable: false, reason: "x"))
        #expect(watch.isBehind)
        kernel.state.withLock { $0.isBroken = false }
        watch.retell()
        #expect(!watch.isBehind)
        #expect(kernel.state.withLock(\.told) == ["1 10.0.0.1:80 false"])
    }

    @Test func whatFailsIsTriedAgain() throws {
        let watch = watch()
        kernel.state.withLock { $0.isBroken = true }
        #expect(throws: KernelPlaneError.self) { try watch.apply(direct(["a": [[address(1)]]]), ["a": 1], usable: [:]) }
        kernel.state.withLock { $0.isBroken = false }
        try watch.apply(direct(["a": [[address(1)]]]), ["a": 1], usable: [:])
        #expect(kernel.state.withLock(\.applied).count == 1)
    }
}
