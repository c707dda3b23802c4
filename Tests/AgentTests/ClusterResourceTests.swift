import Catalog
import Configuration
import Control
import Foundation
import Kubernetes
import Telemetry
import Testing

@testable import Agent

/// What is known of custom resources, and what is written about them.
@Suite struct ClusterResourceTests {
    private let key = ResourceKey(.model, "llama")

    private func object(_ name: String, _ more: String = "") throws -> CustomObject {
        let json =
            #"{"metadata": {"name": "\#(name)", "resourceVersion": "7", "generation": 3, "creationTimestamp": "2026-01-01T00:00:00Z"}, "spec": {"a": [1, true, null, 2.5, "x"]}\#(more)}"#
        return try JSONDecoder().decode(CustomObject.self, from: Data(json.utf8))
    }

    @Test func whatOthersWriteIntoAStatusIsNoChange() throws {
        #expect(try object("a") == object("a", #", "status": {"nodes": [{"name": "other"}]}"#))
        let resource = try object("a").resource(.model)
        #expect(resource.created == "2026-01-01T00:00:00Z" && resource.generation == 3)
        #expect(resource.spec == .mapping(["a": .list([.scalar("1"), .scalar("true"), .null, .scalar("2.5"), .scalar("x")])]))
    }

    @Test func aFileSaysWhatTheServerSaid() throws {
        var store = ResourceStore<CustomObject>(maximumObjects: 10)
        store.put(try object("a"))
        let again = try ResourceStore<CustomObject>(maximumObjects: 10, snapshot: try store.snapshot())
        #expect(again.objects == store.objects && again.sorted[0].created == "2026-01-01T00:00:00Z")
    }

    @Test func aDeepSpecIsReadAsOne() throws {
        let deep = String(repeating: "[", count: 300) + String(repeating: "]", count: 300)
        let json = #"{"metadata": {"name": "a"}, "spec": {"x": \#(deep)}}"#
        let object = try JSONDecoder().decode(CustomObject.self, from: Data(json.utf8))
        let verdicts = try Configuration.parse(Self.file, resources: [object.resource(.model)]).verdicts
        #expect(verdicts[ResourceKey(.model, "a")]?.message == "spec: is nested deeper than 14 levels")
    }

    private static let file = "node: {kubernetes: {server: \"http://127.0.0.1:1\", node: n, resources: true}}\n"

    @Test func nothingIsSaidBeforeEachKindIsHeard() throws {
        var book = ResourceBook()
        for kind in ResourceKind.allCases.dropLast() { book.take(kind, [try object("a")], .synced) }
        #expect(book.resources == nil)
        book.take(.accessControl, [], .starting)
        #expect(book.resources == nil)
        book.take(.accessControl, [], .away(reason: "forbidden"))
        #expect(book.resources?.map(\.key.description) == ["Model/a", "Pool/a", "QoSClaim/a"])
    }

    @Test func thePatchIsThisNodesEntryAlone() throws {
        var status = ResourceStatus(
            verdict: .refused(.invalid, "spec.x: is \"odd\""), generation: 4, since: "2026-01-01T00:00:00Z")
        let body = try JSONSerialization.jsonObject(with: Data(try status.patch(key, node: "n1"))) as? NSDictionary
        let wanted: NSDictionary = [
            "apiVersion": "modelbroker.io/v1alpha1", "kind": "Model", "metadata": ["name": "llama"],
            "status": [
                "nodes": [
                    [
                        "name": "n1", "observedGeneration": 4,
                        "conditions": [
                            [
                                "type": "Accepted", "status": "False", "reason": "Invalid", "message": "spec.x: is \"odd\"",
                                "observedGeneration": 4, "lastTransitionTime": "2026-01-01T00:00:00Z",
                            ]
                        ],
                    ]
                ]
            ],
        ]
        #expect(body == wanted)
        status.use = ResourceUse(requests: 7, tokens: nil, refused: .max)
        let text = String(decoding: try status.patch(key, node: "n1"), as: UTF8.self)
        #expect(text.contains(#""observed":{"refused":9223372036854775807,"requests":7}"#), "\(text)")
        #expect(
            ResourceStatus.target(key, node: "n 1")
                == "/apis/modelbroker.io/v1alpha1/models/llama/status?fieldManager=modelbroker-n%201&force=true")
        #expect(ResourceStatus.manager(String(repeating: "n", count: 253)).utf8.count <= 128)
    }

    @Test func onlyWhatIsNewIsWritten() {
        var schedule = StatusSchedule(seed: 1)
        let good = [(key: key, verdict: ResourceVerdict.accepted, generation: Int64(1))]
        schedule.adopt(good, spread: 0, time: "t1", now: 0)
        let first = schedule.begin(now: 0)
        #expect(first?.key == key && first?.status.since == "t1")
        #expect(schedule.begin(now: 0) == nil && schedule.wake == nil, "one at a time")
        schedule.finished(.written, now: 0)
        schedule.adopt(good, spread: 0, time: "t2", now: 1)
        #expect(schedule.wake == nil)
        // Another generation, the same verdict: since the same time.
        schedule.adopt([(key, .accepted, 2)], spread: 0, time: "t3", now: 2)
        #expect(schedule.begin(now: 2) == nil, "not faster than the pace")
        #expect(
            schedule.begin(now: StatusSchedule.pace)?.status == ResourceStatus(verdict: .accepted, generation: 2, since: "t1"))
        schedule.finished(.written, now: StatusSchedule.pace)
        schedule.adopt([(key, .refused(.conflict, "x"), 2)], spread: 0, time: "t4", now: 3)
        #expect(schedule.begin(now: 2 * StatusSchedule.pace)?.status.since == "t4")
        // Gone in the meantime: nothing more of it.
        schedule.adopt([], spread: 0, time: "t5", now: 4)
        schedule.finished(.written, now: 2 * StatusSchedule.pace)
        #expect(schedule.wake == nil)
    }

    private func use(_ requests: UInt64) -> [ResourceKey: ResourceUse] {
        [key: ResourceUse(requests: requests, tokens: 2 * requests, refused: 1)]
    }

    @Test func theUseIsWrittenOnceInAWhile() {
        var schedule = StatusSchedule(seed: 1)
        let (good, pause) = ([(key: key, verdict: ResourceVerdict.accepted, generation: Int64(1))], UInt64(30_000_000_000))
        var now: UInt64 = 7
        func written() -> ResourceUse?? {
            guard let begun = schedule.begin(now: now) else { return nil }
            schedule.finished(.written, now: now)
            return .some(begun.status.use)
        }
        schedule.observe(use(9), interval: pause)
        schedule.adopt(good, spread: 0, time: "t", now: now)
        #expect(written() == .some(nil), "of one that there was not yet")
        schedule.observe([key: ResourceUse(requests: 0, tokens: 0, refused: 0)], interval: pause)
        #expect(schedule.wake == nil, "nobody has used it: there is nothing to say")
        schedule.observe(use(1), interval: pause)
        #expect(schedule.wake == now + pause, "so long after the verdict")
        schedule.observe(use(2), interval: pause)
        schedule.observe(use(3), interval: pause)
        #expect(schedule.wake == now + pause)
        now += pause
        #expect(written() == use(3)[key])
        schedule.observe(use(3), interval: pause)
        #expect(schedule.wake == nil, "nothing has changed")
        schedule.observe(use(4), interval: pause)
        schedule.observe(use(3), interval: pause)
        #expect(schedule.wake == nil, "nothing has changed after all")
        // A verdict that changes does not wait, and what is refused is not used.
        schedule.observe(use(5), interval: pause)
        now += StatusSchedule.pace
        schedule.adopt([(key, .accepted, 2)], spread: 0, time: "t", now: now)
        #expect(written() == use(5)[key])
        now += StatusSchedule.pace
        schedule.adopt([(key, .refused(.conflict, "x"), 2)], spread: 0, time: "t", now: now)
        schedule.observe(use(6), interval: pause)
        #expect(written() == .some(nil))
        schedule.observe(use(7), interval: pause)
        #expect(schedule.wake == nil)
    }

    @Test func whatChangesWhileItIsWrittenWaitsItsTurn() {
        var schedule = StatusSchedule(seed: 1)
        let pause = UInt64(30_000_000_000)
        schedule.adopt([(key, .accepted, 1)], spread: 0, time: "t", now: 0)
        #expect(schedule.begin(now: 0) != nil)
        schedule.observe(use(1), interval: pause)
        schedule.finished(.written, now: 5)
        #expect(schedule.wake == 5 + pause)
        #expect(schedule.begin(now: 5 + pause) != nil)
        // Another verdict meanwhile is written as soon as that one has been.
        schedule.adopt([(key, .accepted, 2)], spread: 0, time: "t", now: 6 + pause)
        schedule.finished(.written, now: 7 + pause)
        #expect(schedule.wake == 7 + pause + StatusSchedule.pace)
        // One that fails is tried again as ever.
        #expect(schedule.begin(now: 8 + pause + StatusSchedule.pace)?.status.use == use(1)[key])
        schedule.finished(.failed, now: 9 + pause)
        schedule.observe(use(2), interval: pause)
        #expect(schedule.wake.map { $0 <= 9 + pause + StatusSchedule.firstWait } == true)
    }

    @Test func useIsCountedByWhatAResourceSays() throws {
        var counts = ResourceUse.Counts()
        var (model, client) = (ModelCounters(), ClientCounters())
        (model.requests, model.tokens, model.rateLimited, model.tokenLimited, model.accessRefused) = (10, 20, 1, 2, 4)
        (client.requests, client.inputTokens, client.outputTokens) = (30, 5, 6)
        (client.rateRefused, client.tokenRefused, client.concurrencyRefused, client.quotaRefused) = (1, 2, 4, 8)
        (client.accessRefused, client.otherRefused) = (16, 32)
        var route = RouteRecord(name: "talk")
        (route.requests, route.exhausted) = (40, 3)
        counts.models = ["meta/llama": model, "talk": ModelCounters()]
        counts.clients = ["shop": client]
        counts.routes = ["talk": route, "meta/llama": RouteRecord(name: "meta/llama")]
        func of(_ kind: ResourceKind, _ name: String, _ spec: [String: String]) -> ResourceUse? {
            let spec = ResourceValue.mapping(spec.mapValues { .scalar($0) })
            return ResourceUse.of(Resource(ResourceKey(kind, name), spec: spec), counts)
        }
        #expect(of(.model, "llama", ["name": "meta/llama"]) == ResourceUse(requests: 10, tokens: 20, refused: 7))
        #expect(of(.model, "llama", [:]) == nil, "nobody has asked for that name")
        #expect(of(.pool, "talk", [:]) == ResourceUse(requests: 40, tokens: nil, refused: 3))
        #expect(of(.qosClaim, "a", ["model": "meta/llama"]) == ResourceUse(requests: 10, tokens: 20, refused: 3))
        #expect(of(.qosClaim, "a", ["client": "shop"]) == ResourceUse(requests: 30, tokens: 11, refused: 15))
        #expect(of(.qosClaim, "shop", [:]) == nil)
        #expect(of(.accessControl, "a", ["client": "shop"]) == ResourceUse(requests: 30, tokens: 11, refused: 16))
        #expect(of(.accessControl, "shop", [:])?.requests == 30)
        let entries = [("m", model), ("m", model)].map {
            ProxyStatistics.ModelEntry(name: $0.0, inCatalog: true, counters: $0.1)
        }
        var numbers = ProxyStatistics()
        numbers.models = entries
        #expect(ResourceUse.Counts(numbers, []).models["m"]?.requests == 20)
    }

    @Test func whatCannotBeWrittenIsTriedEverMoreRarely() throws {
        var schedule = StatusSchedule(seed: 2)
        schedule.adopt([(key, .accepted, 1)], spread: 0, time: "t", now: 0)
        var now: UInt64 = 0
        var waits: [UInt64] = []
        for _ in 0..<14 {
            let begun = schedule.begin(now: now)
            try #require(begun != nil)
            schedule.finished(.failed, now: now)
            let next = try #require(schedule.wake)
            waits.append(next - now)
            now = next
        }
        #expect(waits[0] >= StatusSchedule.firstWait / 2 && waits[0] <= StatusSchedule.firstWait)
        #expect(waits[13] >= StatusSchedule.longestWait / 2 && waits.allSatisfy { $0 <= StatusSchedule.longestWait })
        // Something else to say is said at once.
        schedule.adopt([(key, .accepted, 2)], spread: 0, time: "t", now: now - 1)
        #expect(schedule.begin(now: now) != nil)
        schedule.finished(.gone, now: now)
        #expect(schedule.wake == nil)
    }
}
