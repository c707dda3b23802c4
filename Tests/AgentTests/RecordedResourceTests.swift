import Configuration
import Foundation
import Kubernetes
import Recorded
import Testing

@testable import Agent

/// What a real API server said of custom resources, and of what was written into their status.
@Suite struct RecordedResourceTests {
    @Test(arguments: [7, 1_000_000])
    func resourcesAreRead(size: Int) throws {
        let recording = try Recording("models")
        var reflector = Reflector<CustomObject>(ReflectorSettings(query: ResourceKind.model.query), seed: 1)
        var now: UInt64 = 1_000_000_000
        var generations: Set<Int64> = []
        var revision: UInt64 = 0
        for exchange in recording.exchanges {
            now = max(now, reflector.wake ?? now) + 6_000_000_000
            let asked = reflector.begin(now: now)
            let request = try #require(asked)
            #expect(request.isWatch == exchange.isWatch && exchange.status == 200)
            reflector.head(status: 200, now: now)
            // Line by line, to see what each event makes of it.
            for line in exchange.body.split(separator: UInt8(ascii: "\n")) {
                var isWanted = true
                for start in stride(from: line.startIndex, to: line.endIndex, by: size) where isWanted {
                    isWanted = reflector.body(line[start..<min(start + size, line.endIndex)], now: now)
                }
                isWanted = isWanted && reflector.body([UInt8(ascii: "\n")], now: now)
                #expect(isWanted)
                let bad = reflector.store[ObjectKey(namespace: "", name: "bad")]
                guard let bad else { continue }
                let isNew = generations.insert(bad.metadata.generation).inserted
                #expect(isNew || reflector.store.revision == revision, "a status is no change")
                revision = reflector.store.revision
            }
            now += 6_000_000_000
            reflector.end(now: now)
        }
        #expect(generations == [1, 2] && reflector.unreadable.isEmpty)
        let left = reflector.store.sorted
        #expect(left.map(\.metadata.name) == ["llama"], "the other was deleted")
        let resource = try #require(left.first).resource(.model)
        #expect(resource.created.hasSuffix("Z") && resource.generation == 1)
        let file = "node: {kubernetes: {server: \"http://127.0.0.1:1\", node: n, resources: true}}\n"
        #expect(try Configuration.parse(file, resources: [resource]).verdicts[resource.key] == .accepted)
    }

    /// Server-side apply as this agent writes it; the server has kept all of it, and no node's entry but this one's.
    @Test func statusIsKept() throws {
        let recording = try Recording("status")
        #expect(recording.exchanges.count >= 3)
        for exchange in recording.exchanges {
            #expect(exchange.method == "PATCH" && exchange.status == 200 && !exchange.isCut)
            let sent = try JSONDecoder().decode(Written.self, from: Data((exchange.sent ?? "").utf8))
            let kept = try JSONDecoder().decode(Written.self, from: Data(exchange.body))
            #expect(sent.status == kept.status && sent.kind == kept.kind)
            let node = try #require(sent.status.nodes.first)
            let key = ResourceKey(.model, sent.metadata.name)
            #expect(exchange.target == ResourceStatus.target(key, node: node.name))
            // What would be written today is what was written then.
            let condition = node.conditions[0]
            let verdict =
                condition.reason == "Accepted"
                ? ResourceVerdict.accepted
                : .refused(try #require(ResourceVerdict.Reason(rawValue: condition.reason)), condition.message)
            let status = ResourceStatus(
                verdict: verdict, generation: node.observedGeneration, since: condition.lastTransitionTime)
            #expect(String(decoding: try status.patch(key, node: node.name), as: UTF8.self) == exchange.sent.map { $0 + "\n" })
        }
        let verdicts = try recording.exchanges.map {
            try JSONDecoder().decode(Written.self, from: Data($0.body)).status.nodes[0].conditions[0].status
        }
        #expect(verdicts.contains("False") && verdicts.last == "True")
    }

    private struct Written: Decodable {
        struct Metadata: Decodable {
            var name: String
        }

        struct Status: Decodable, Equatable {
            var nodes: [Node]
        }

        struct Node: Decodable, Equatable {
            var name: String
            var observedGeneration: Int64
            var conditions: [Condition]
        }

        struct Condition: Decodable, Equatable {
            var type: String
            var status: String
            var reason: String
            var message: String
            var observedGeneration: Int64
            var lastTransitionTime: String
        }

        var kind: String
        var metadata: Metadata
        var status: Status
    }
}
