import Catalog
import Kubernetes
import Recorded
import Testing

/// What a real API server said, heard again: each request must be the one that was recorded, and in the end all is known that the
/// server knew.
@Suite struct RecordedTests {
    static let sizes = [7, 512, 1_000_000]

    /// - Parameters:
    ///   - page: objects of a page, as the recorder had it.
    ///   - told: after each exchange.
    /// - Returns: the reflector as it is behind the last of them, whose watch stands.
    private static func replay<Object: KubernetesObject>(
        _ exchanges: [Recording.Exchange], _ query: ResourceQuery, pieces: Int, page: Int = 500, maybeUnknown: Bool = false,
        told: (Recording.Exchange, Reflector<Object>) -> Void = { _, _ in }
    ) throws -> Reflector<Object> {
        var settings = ReflectorSettings(query: query)
        settings.pageSize = page
        settings.maybeUnknown = maybeUnknown
        var reflector = Reflector<Object>(settings, seed: 1)
        var now: UInt64 = 1_000_000_000
        for (number, exchange) in exchanges.enumerated() {
            // Where other objects of the cluster are followed from now on, the agent begins anew with what it knows.
            if exchange.target.hasSuffix("&resourceVersion=0") {
                reflector = Reflector(settings, known: reflector.store, seed: 1)
            }
            now = max(now, reflector.wake ?? now)
            let asked = reflector.begin(now: now)
            let request = try #require(asked, "nothing is asked in the place of \(exchange.target)")
            #expect(lasting(request.target) == lasting(exchange.target))
            reflector.head(status: exchange.status, now: now)
            var rest = exchange.body[...]
            var isWanted = true
            while isWanted, !rest.isEmpty {
                isWanted = reflector.body(rest.prefix(pieces), now: now)
                rest = rest.dropFirst(pieces)
            }
            // The last one stands.
            if isWanted, number < exchanges.count - 1 {
                if exchange.isWatch { now += 6_000_000_000 }
                if exchange.isCut { reflector.fail("cut", now: now) } else { reflector.end(now: now) }
            }
            told(exchange, reflector)
        }
        return reflector
    }

    /// A target without the time that a watch is to stand, which is by chance, and of which the recorder made less.
    private static func lasting(_ target: String) -> String {
        target.split(separator: "&").filter { !$0.hasPrefix("timeoutSeconds=") }.joined(separator: "&")
    }

    private static func names<Object>(_ reflector: Reflector<Object>) -> [String] { reflector.store.sorted.map(\.metadata.name) }

    @Test(arguments: sizes)
    func podsOfANode(size: Int) throws {
        var containers: Set<[String: String]> = []
        var ending: Set<String> = []
        var relists = 0
        let reflector: Reflector<Pod> = try Self.replay(
            try Recording("pods").exchanges, Pod.query(node: "worker-3"), pieces: size, page: 2
        ) {
            exchange, reflector in
            for pod in reflector.store.sorted {
                containers.insert(pod.containers)
                if pod.metadata.isEnding { ending.insert(pod.metadata.name) }
            }
            if exchange.status == 410 { relists += 1 }
            #expect(reflector.unreadable.isEmpty)
        }
        #expect(reflector.condition == .synced && relists == 1)
        #expect(
            Self.names(reflector) == ["modelbroker-worker-3", "after-0", "after-1", "checkout-7d9f-x2x9k", "out-1", "search-0"])
        #expect(
            reflector.lists == 3, "one to begin with, one in pages when the server knew no version, one when it forgot a page")
        let search = try #require(reflector.store[ObjectKey(namespace: "shop", name: "search-0")])
        #expect(search.metadata.labels == ["app": "checkout"] && search.serviceAccount == "default")
        #expect(search.metadata.annotations == ["modelbroker.io/capture": "enabled"])
        #expect(search.containers == [String(repeating: "5ea4c4", count: 10) + "abcd": "app"])
        #expect(containers.contains([:]))

        let namespaces: Reflector<Namespace> = try Self.replay(
            try Recording("namespaces").exchanges, Namespace.query, pieces: size, page: 2)
        let table = PodTable(pods: reflector.store.sorted, namespaces: namespaces.store.sorted)
        let unit = "kubepods-besteffort-pod\(search.metadata.uid.replacing("-", with: "_")).slice"
        let path =
            "/kubepods.slice/kubepods-besteffort.slice/\(unit)/cri-containerd-\(String(repeating: "5ea4c4", count: 10))abcd.scope"
        let place = try #require(PodCgroup(path, below: ["/kubepods.slice"]))
        let facts = try #require(table[place.uid])
        #expect(facts.key.description == "shop/search-0" && facts.wantsCapture == true)
        #expect(place.container.flatMap { facts.containers[$0] } == "app")
    }

    @Test(arguments: sizes)
    func namespacesOfTheCluster(size: Int) throws {
        let reflector: Reflector<Namespace> = try Self.replay(
            try Recording("namespaces").exchanges, Namespace.query, pieces: size, page: 2)
        #expect(
            Self.names(reflector) == [
                "batch", "default", "kube-node-lease", "kube-public", "kube-system", "modelbroker", "quiet", "shop",
            ])
        let quiet = reflector.store[ObjectKey(namespace: "", name: "quiet")]
        #expect(quiet?.metadata.labels["modelbroker.io/capture"] == "disabled" && reflector.unreadable.isEmpty)
    }

    @Test(arguments: sizes)
    func slicesOfAService(size: Int) throws {
        // As a server before 1.21 has them; later ones have them as v1, too.
        let query = ResourceQuery(
            group: "discovery.k8s.io", version: "v1beta1", plural: "endpointslices", namespace: "shop",
            labelSelector: "kubernetes.io/service-name=llama")
        var seen: [[SocketAddress]] = []
        let reflector: Reflector<EndpointSlice> = try Self.replay(
            try Recording("endpointslices").exchanges, query, pieces: size
        ) { _, reflector in
            seen.append(ServiceAddresses.addresses(reflector.store.sorted, port: "http"))
        }
        #expect(reflector.unreadable.isEmpty && reflector.condition == .synced)
        #expect(seen.first?.map(\.description) == ["10.244.7.2:8000"] && seen.last?.map(\.description) == ["10.244.7.3:8000"])
    }

    @Test(arguments: sizes)
    func podsOfAPool(size: Int) throws {
        let query = ResourceQuery(
            group: "inference.networking.k8s.io", version: "v1", plural: "inferencepools", namespace: "shop",
            fieldSelector: "metadata.name=p")
        var selectors: Set<String> = []
        let pools: Reflector<InferencePool> = try Self.replay(
            try Recording("inferencepools").exchanges, query, pieces: size, maybeUnknown: true
        ) { _, reflector in
            for pool in reflector.store.sorted { selectors.insert(pool.labelSelector ?? "none") }
        }
        #expect(pools.store.objects.isEmpty && pools.unreadable.isEmpty, "in the end it was deleted")
        #expect(selectors.contains("app=vllm-2"))
        // Its pods, of one selector and then of the other.
        let recording = try Recording("serving-pods").exchanges
        for (app, name, last) in [("vllm", "vllm-0", 5), ("vllm-2", "vllm-1", 6)] {
            let query = ResourceQuery(group: "", version: "v1", plural: "pods", namespace: "shop", labelSelector: "app=\(app)")
            let told = recording.filter { $0.target.contains("labelSelector=app%3D\(app)&") }
            var wasReady = false
            let pods: Reflector<ServingPod> = try Self.replay(told, query, pieces: size) { _, reflector in
                wasReady = wasReady || reflector.store.sorted.contains(where: \.isReady)
            }
            #expect(Self.names(pods) == [name] && pods.unreadable.isEmpty && wasReady)
            #expect(pods.store.sorted.first?.status?.podIP == "10.244.7.\(last)")
        }
    }
}
