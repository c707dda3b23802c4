import Kubernetes
import Testing

/// A whole conversation about the pods of a node, however it is cut.
@Suite struct ConversationTests {
    private final class Listener {
        var reflector: Reflector<Pod>
        var now: UInt64 = 1_000_000_000
        let size: Int

        init(size: Int) {
            self.size = size
            reflector = Reflector(ReflectorSettings(query: Pod.query(node: Conversation.node)), seed: 1)
        }

        /// The target of the next request.
        func ask() -> String {
            now = max(now, reflector.wake ?? now)
            return reflector.begin(now: now)?.target ?? "nothing"
        }

        /// False: nothing more is wanted.
        @discardableResult
        func hear(_ text: String) -> Bool {
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                guard reflector.body(rest.prefix(size), now: now) else { return false }
                rest = rest.dropFirst(size)
            }
            return true
        }

        func answer(_ text: String) {
            reflector.head(status: 200, now: now)
            if hear(text) { reflector.end(now: now) }
        }

        var names: [String] { reflector.store.sorted.map(\.metadata.name) }
        func pod(_ name: String) -> Pod? { reflector.store[ObjectKey(namespace: "shop", name: name)] }
    }

    private static let base = "/api/v1/pods?fieldSelector=spec.nodeName%3Dworker-3"

    @Test(arguments: [1, 13, 512, 1_000_000])
    func itIsUnderstood(size: Int) throws {
        let listener = Listener(size: size)
        #expect(listener.ask() == Self.base + "&limit=500&resourceVersion=0")
        listener.answer(Conversation.pages[0])
        #expect(listener.ask() == Self.base + "&limit=500&continue=eyJ2IjoibWV0YSJ9")
        listener.answer(Conversation.pages[1])
        #expect(listener.names == ["batch-1", "checkout-7d9f-x2x9k"] && listener.reflector.condition == .synced)
        let checkout = try #require(listener.pod("checkout-7d9f-x2x9k"))
        #expect(checkout.metadata.uid == Conversation.uid("1") && checkout.serviceAccount == "till")
        #expect(
            checkout.metadata.labels == ["app.kubernetes.io/name": "checkout-7d9f-x2x9k", "pod-template-hash": "7d9f"])
        #expect(checkout.metadata.annotations == ["modelbroker.io/capture": "enabled"], "of the others nothing is kept")
        #expect(checkout.containers == [Conversation.prepare: "prepare", Conversation.app: "app"])
        #expect(listener.pod("batch-1")?.isOver == true && listener.pod("batch-1")?.containers.isEmpty == true)

        #expect(listener.ask().hasPrefix(Self.base + "&watch=1&allowWatchBookmarks=true&resourceVersion=7817&"))
        listener.reflector.head(status: 200, now: listener.now)
        let containers: [[String: String]] = [
            [:], [Conversation.prepare: "prepare"], [Conversation.prepare: "prepare", Conversation.app: "app"],
        ]
        for (event, wanted) in zip(Conversation.events, containers) {
            listener.hear(event)
            #expect(listener.pod("search-0")?.containers == wanted)
        }
        listener.hear(Conversation.events[3])
        #expect(listener.pod("batch-1")?.metadata.isEnding == true)
        listener.hear(Conversation.events[4])
        #expect(listener.names == ["checkout-7d9f-x2x9k", "search-0"] && listener.reflector.unreadable.isEmpty)

        // The node's cgroups name them.
        let table = PodTable(pods: listener.reflector.store.sorted, namespaces: [])
        let unit = "kubepods-burstable-pod\(Conversation.uid("3").replacing("-", with: "_")).slice"
        let path = "/kubepods.slice/kubepods-burstable.slice/\(unit)/cri-containerd-\(Conversation.app).scope"
        let place = try #require(PodCgroup(path, below: ["/kubepods.slice"]))
        let facts = try #require(table[place.uid])
        #expect(facts.key.description == "shop/search-0" && facts.wantsCapture == true)
        #expect(place.container.flatMap { facts.containers[$0] } == "app")

        // The server ends the watch, and the next goes on where the bookmark was; then that is too old.
        listener.hear(Conversation.bookmark)
        listener.now += 20_000_000_000
        listener.reflector.end(now: listener.now)
        #expect(listener.ask().contains("&resourceVersion=8123&"))
        listener.reflector.head(status: 200, now: listener.now)
        listener.now += 20_000_000_000
        #expect(!listener.hear(Conversation.gone))
        #expect(listener.names.count == 2, "what was known stays meanwhile")
        #expect(listener.ask().hasPrefix(Self.base + "&limit=500"))
    }
}
