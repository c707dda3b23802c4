import Catalog
import Control
import Dispatch
import KernelPlane
import Testing

@testable import Agent

@Suite struct GovernanceTests {
    private func model(_ name: String, requests: UInt64? = nil, access: Model.Access = .public) -> Model {
        var qos = QoS()
        qos.requests = requests.map { Rate($0, per: .second) }
        return Model(name: name, endpoints: [], access: access, qos: qos)
    }

    private func rule(_ model: String, _ path: CaptureRule.Path = .proxy) -> CaptureRule {
        CaptureRule(name: model, to: [], path: path, model: model)
    }

    @Test func modelsInNeedComeFirst() {
        let catalog = Catalog(
            rules: [rule("dedicated")],
            models: [model("plain"), model("dedicated"), model("hidden", access: .private), model("limited", requests: 1)])
        let governance = Governance(catalog)
        #expect(governance.entries.map(\.name) == ["limited", "hidden", "dedicated", "plain"])
        #expect(governance.entries.map(\.isPrivate) == [false, true, false, false])
        #expect(governance.entries.first?.qos.requests == Rate(1, per: .second))
        #expect(governance.crowdedOut == [])
    }

    @Test func whatWasSetByHandComesBeforeWhatCanDoWithout() {
        let catalog = Catalog(models: [model("a"), model("b"), model("c"), model("limited", requests: 1)])
        let governance = Governance(catalog, keeping: ["c"], limit: 3)
        #expect(governance.entries.map(\.name) == ["limited", "c", "a"])
        #expect(governance.crowdedOut == [], "b can do without")
    }

    @Test func whoCannotDoWithoutIsNamed() {
        let models = ["a", "b", "c"].map { model($0, requests: 1) }
        let governance = Governance(Catalog(models: models + [model("d")]), limit: 2)
        #expect(governance.entries.map(\.name) == ["a", "b"])
        #expect(governance.crowdedOut == ["c"])
        #expect(governance.needy(["a", "d"]) == ["a"])
    }

    /// While one configuration follows another nothing is taken from a rule that still refers to it.
    @Test func thoseThatGoStayUntilTheEnd() {
        let governance = Governance(Catalog(models: [model("a", requests: 2), model("b")]), limit: 3)
        let former = [ModelEntry(name: "a"), ModelEntry(name: "old", isPrivate: true)]
        #expect(governance.joined(with: former, limit: 3)?.map(\.name) == ["a", "b", "old"])
        #expect(governance.joined(with: former, limit: 3)?.first?.qos.requests == Rate(2, per: .second))
        #expect(governance.joined(with: former, limit: 2) == nil)
    }

    @Test func accessIsByClientAndSlot() {
        let clients = [
            Client(name: "a", allow: ["x", "gone"], deny: ["y"]), Client(name: "b"), Client(name: "c", allow: [], deny: ["x"]),
        ]
        let catalog = Catalog(
            rules: ["x", "y", "gone"].map { rule($0) }, models: ["x", "y", "gone", "shared"].map { model($0) }, clients: clients)
        let entries = Governance(catalog).access(["x": 7, "y": 4, "shared": 5], epoch: 0)
        #expect(
            entries == [
                AccessEntry(model: 7, client: 1, verdict: .allow), AccessEntry(model: 4, client: 1, verdict: .deny),
                AccessEntry(model: 7, client: 3, verdict: .deny), AccessEntry(model: 4, client: 3, verdict: .deny),
            ])
    }

    @Test func accessFollowsPatternsHoursAndWaysOfUse() {
        let night = TimeWindow(from: 22 * 60, to: 6 * 60)
        let clients = [
            Client(name: "a", allow: [AccessRule(names: ["x*"], times: [night])]),
            Client(name: "b", allow: [AccessRule(names: ["x1"], operations: Operations([.list]))]),
            Client(name: "c", deny: [AccessRule(names: ["x*"], operations: Operations([.embeddings]))]),
            Client(name: "d", deny: [AccessRule(names: ["*"], times: [night])]),
        ]
        let catalog = Catalog(
            rules: [rule("x1"), rule("y")], models: [model("x1", access: .private), model("y")], clients: clients)
        let governance = Governance(catalog)
        let slots: [String: UInt32] = ["x1": 1, "y": 2]
        let noon = governance.access(slots, epoch: 12 * 3600)
        #expect(
            noon == [AccessEntry(model: 1, client: 3, verdict: .deny), AccessEntry(model: 1, client: 4, verdict: .deny)],
            "a private model is closed to them, whatever they deny themselves")
        let change: Int64? = 22 * 3600
        #expect(governance.nextAccessChange(after: 12 * 3600) == change)
        let late = governance.access(slots, epoch: 23 * 3600)
        #expect(late.contains(AccessEntry(model: 1, client: 1, verdict: .allow)))
        #expect(late.contains(AccessEntry(model: 2, client: 4, verdict: .deny)))
        #expect(!late.contains { $0.client == 2 }, "listing is no use of a model's own address")
    }

    /// The proxy finds its models' slots by position.
    @Test func slotsStandInTheOrderOfTheCatalogue() {
        let catalog = Catalog(models: [model("plain"), model("none"), model("limited", requests: 1)])
        #expect(Governance.slots(of: catalog, ["limited": 1, "plain": 4096]) == [4096, 0, 1])
        #expect(Governance.slots(of: catalog, [:]) == [])
    }

    @Test func aClientWithAListIsHeldToIt() {
        let clients = [Client(name: "a", workloads: ["/a"], allow: []), Client(name: "b", workloads: ["/a/b"])]
        var tree = CgroupTree()
        for (id, path) in ["/", "/a", "/a/b", "/a/c"].enumerated() { tree.insert(path, id: UInt64(id + 1)) }
        #expect(
            WorkloadTable(clients: clients, brokerCgroup: "/x").entries(for: tree) == [
                2: WorkloadEntry(client: 1, exempt: false, listed: true), 3: WorkloadEntry(client: 2, exempt: false),
            ])
    }

    @Test func onlyModelsOfDirectRulesAreDirect() {
        let catalog = Catalog(
            rules: [rule("a", .direct), rule("b"), rule("a", .direct)],
            models: [
                Model(name: "b", endpoints: [Endpoint(host: "name-b", port: 1, authority: "name-b:1")]),
                Model(name: "a", endpoints: [Endpoint(host: "name-a", port: 1, authority: "name-a:1")]),
            ])
        #expect(catalog.directModels.map(\.name) == ["a"])
        #expect(catalog.directNames == ["name-a"])
    }

    @Test func aHurriedLookupWaitsForNobodyForLong() {
        let names = HurriedLookup.run(["quick", "gone"]) { name in
            name == "quick" ? .addresses([IPAddress(v4: 10, 0, 0, 1)]) : .none("no such name")
        }
        #expect(names.addresses == ["quick": [IPAddress(v4: 10, 0, 0, 1)], "gone": []])
        let gate = DispatchSemaphore(value: 0)
        defer { gate.signal() }
        let before = ContinuousClock.now
        let others = HurriedLookup.run(["quick", "hangs"]) { name in
            guard name == "hangs" else { return .addresses([IPAddress(v4: 10, 0, 0, 1)]) }
            gate.wait()
            return .none("too late")
        }
        #expect(others.addresses == ["quick": [IPAddress(v4: 10, 0, 0, 1)]])
        #expect(ContinuousClock.now - before < .seconds(10))
        #expect(HurriedLookup.run([]).addresses.isEmpty)
    }
}

@Suite struct KernelEventTests {
    private let origin = Origin(
        dialled: SocketAddress(ip: IPAddress(v4: 127, 64, 0, 1), port: 8000), mapped: false, rule: 0, client: 1, pid: 77,
        uid: 0, cgroup: 9, workload: 9, netnsCookie: 1, foreignNetns: false, socketCookie: 2, timeNanoseconds: 3,
        command: "curl", model: 4)

    private var names: NodeNames {
        let names = NodeNames(Catalog(rules: [CaptureRule(name: "llm", to: [])], clients: [Client(name: "me")]))
        names.take(slots: ["llama": 4])
        return names
    }

    @Test func aLimitIsToldWithModelAndReason() {
        let event = KernelEvent(kind: .limited, origin: origin, reason: .rate, observed: true)
        let report = EventReport(event, names, time: "now")
        #expect(
            report
                == EventReport(
                    time: "now", kind: .limited, model: "llama", client: "me", pid: 77, workload: FlowReport.gone(9),
                    address: "127.64.0.1:8000", rule: "llm", reason: "connect-rate", observed: true, detail: "curl"))
    }

    @Test func otherEventsHaveNoReason() {
        let report = EventReport(KernelEvent(kind: .denied, origin: origin), names, time: "now")
        #expect(report.kind == .connectDenied)
        #expect(report.reason == nil && report.observed == nil)
    }

    @Test func reasonsHaveDifferentNames() {
        #expect(Set(LimitReason.allCases.map(\.text)).count == LimitReason.allCases.count)
    }
}
