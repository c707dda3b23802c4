import Catalog
import Kubernetes
import Testing

@Suite struct PodCgroupTests {
    private static let uid = "0f3a1c2e-5b6d-4e7f-8a9b-0c1d2e3f4a5b"
    private static let unit = "0f3a1c2e_5b6d_4e7f_8a9b_0c1d2e3f4a5b"
    private static let id = String(repeating: "a1", count: 32)

    private func place(_ path: String) -> PodCgroup? { PodCgroup(path, below: Cluster.usualCgroups) }

    @Test(arguments: [
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod\(unit).slice",
        "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod\(unit).slice",
        "/kubepods.slice/kubepods-pod\(unit).slice", "/kubepods/burstable/pod\(uid)", "/kubepods/besteffort/pod\(uid)",
        "/kubepods/pod\(uid)",
        "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod\(unit).slice",
        "/kubelet/kubepods/burstable/pod\(uid)",
    ])
    func knowsPodsAndContainers(path: String) throws {
        let pod = try #require(place(path))
        #expect(pod.uid == Self.uid && pod.container == nil)
        for name in ["cri-containerd-\(Self.id).scope", "crio-\(Self.id).scope", "docker-\(Self.id).scope", Self.id] {
            let container = try #require(place("\(path)/\(name)"))
            #expect(container.uid == Self.uid && container.container == Self.id)
            #expect(place("\(path)/\(name)/init/deep/er")?.container == Self.id)
        }
        let beside = try #require(place("\(path)/crio-conmon-\(Self.id).scope"))
        #expect(beside.uid == Self.uid && beside.container == nil)
    }

    @Test func knowsARuntimeThatHasAnotherDriver() throws {
        let path = "/system.slice/containerd.service/kubepods-burstable-pod\(Self.unit).slice:cri-containerd:\(Self.id)"
        let place = try #require(PodCgroup(path, below: ["/system.slice/containerd.service"]))
        #expect(place.uid == Self.uid && place.container == Self.id)
    }

    @Test func knowsStaticPods() {
        let hash = "5a1d9a3b0c2e4f5061728394a5b6c7d8"
        #expect(place("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod\(hash).slice/x")?.uid == hash)
    }

    @Test(arguments: [
        "/", "/kubepods.slice", "/kubepods", "/kubepods.slice/kubepods-burstable.slice", "/kubepods/burstable",
        "/kubepods.slicer/kubepods-pod1.slice", "/kubepods/pod", "/kubepods/pod../x", "/kubepods/pod a", "/kubepods//pod1",
        "/kubepods.slice/kubepods-pod.slice", "/kubepods.slice/kubepods-pod1.scope", "/kubepods.slice/a:b", "/kubepods/podü",
        "/kubepods/burstable/burstable/pod1", "/kubepods/pod" + String(repeating: "1", count: 129), "kubepods/pod1", "",
        // Whoever may make cgroups of his own is no pod for that.
        "/user.slice/user-1000.slice/kubepods.slice/kubepods-pod\(unit).slice", "/system.slice/kubepods/pod\(uid)",
    ])
    func nothingElseIsOne(path: String) { #expect(place(path) == nil) }

    /// What runs in a pod and may make cgroups cannot be another pod.
    @Test func aPodHoldsNoOther() {
        let inner = "/kubepods/podmine/abc/kubepods/podother/def"
        #expect(place(inner)?.uid == "mine")
        #expect(place("/kubepods/podmine/kubepods-podother.slice")?.uid == "mine")
    }

    /// No path makes it stumble, and what it says is always safe to show.
    @Test func survivesAnything() {
        var random = SystemRandomNumberGenerator()
        let parts = [
            "/", "kubepods", ".slice", "-pod", "pod", "burstable", "_", "-", ":", "é", "\u{0}", "a1", ".scope", "conmon", "\n",
        ]
        for _ in 0..<20_000 {
            let path = "/kubepods" + (0..<Int.random(in: 0..<12)).map { _ in parts.randomElement(using: &random) ?? "" }.joined()
            guard let place = place(path) else { continue }
            #expect(!place.uid.isEmpty && place.uid.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") })
            #expect(place.container?.isEmpty != true)
        }
    }
}

@Suite struct PodTableTests {
    private func pod(
        _ name: String, in namespace: String = "shop", uid: String, labels: [String: String] = [:],
        annotations: [String: String] = [:]
    ) -> Pod {
        Pod(
            metadata: ObjectMeta(name: name, namespace: namespace, uid: uid, labels: labels, annotations: annotations),
            spec: Pod.Spec(nodeName: "n", serviceAccountName: "sa-" + name))
    }

    private func namespace(_ name: String, _ labels: [String: String] = [:]) -> Namespace {
        Namespace(metadata: ObjectMeta(name: name, labels: labels))
    }

    @Test func matchesByAllThatIsGiven() throws {
        let table = PodTable(pods: [pod("a", uid: "1", labels: ["app": "x", "tier": "y"])], namespaces: [])
        let facts = try #require(table["1"])
        for (match, holds) in [
            (PodMatch(), true), (PodMatch(namespaces: ["shop"]), true), (PodMatch(namespaces: ["other"]), false),
            (PodMatch(namespaces: ["other", "shop"], serviceAccounts: ["sa-a"]), true),
            (PodMatch(namespaces: ["shop"], serviceAccounts: ["sa-b"]), false), (PodMatch(labels: ["app": "x"]), true),
            (PodMatch(labels: ["app": "x", "tier": "z"]), false), (PodMatch(labels: ["none": ""]), false),
        ] { #expect(facts.matches(match) == holds, "\(match)") }
        #expect(table["2"] == nil)
    }

    @Test func aPodsOwnWishGoesBeforeItsNamespaces() {
        let off = [PodTable.captureKey: "disabled"]
        let on = [PodTable.captureKey: "enabled"]
        let table = PodTable(
            pods: [
                pod("plain", in: "off", uid: "1"), pod("label", in: "off", uid: "2", labels: on),
                pod("annotation", in: "off", uid: "3", annotations: on), pod("none", in: "shop", uid: "4"),
                pod("odd", in: "off", uid: "5", labels: [PodTable.captureKey: "perhaps"]),
                pod("both", in: "shop", uid: "6", labels: off, annotations: on),
            ], namespaces: [namespace("off", off), namespace("shop")])
        #expect(["1", "2", "3", "4", "5", "6"].map { table[$0]?.wantsCapture } == [false, true, true, nil, false, false])
        let (all, labelled) = (Cluster(server: "", node: ""), Cluster(server: "", node: "", capture: .labelled))
        #expect(["1", "2", "4", "x"].map { all.captures(table[$0]) } == [false, true, true, true])
        #expect(["1", "2", "4", "x"].map { labelled.captures(table[$0]) } == [false, true, false, false])
    }

    @Test func aMirrorIsKnownByItsHashAndBecomesNobodyElse() {
        let hash = ["kubernetes.io/config.hash": "h", "kubernetes.io/config.mirror": "h"]
        let thief = ["kubernetes.io/config.hash": "real", "kubernetes.io/config.mirror": "real"]
        let table = PodTable(
            pods: [
                pod("mirror", uid: "m", annotations: hash), pod("a-thief", uid: "t", annotations: thief),
                pod("real", uid: "real"),
                pod("half", uid: "half", annotations: ["kubernetes.io/config.hash": "q"]),
            ], namespaces: [])
        #expect(table["h"]?.key.name == "mirror")
        #expect(table["real"]?.key.name == "real")
        #expect(table["q"] == nil)
        #expect(table["t"]?.key.name == "a-thief")
    }

    @Test func readsAPodAsTheServerSendsIt() throws {
        let json = #"""
            {"metadata":{"resourceVersion":"3"},"items":[{"kind":"Pod","apiVersion":"v1","metadata":{"name":"checkout-1","namespace":"shop",
            "uid":"u","labels":{"app":"checkout"},"ownerReferences":[{"kind":"ReplicaSet"}],"managedFields":[{}]},"spec":{"nodeName":"n1",
            "serviceAccountName":"till","containers":[{"name":"app"}]},"status":{"phase":"Running","podIP":"10.0.0.1","containerStatuses":[
            {"name":"app","containerID":"containerd://abc","ready":true},{"name":"new","state":{"waiting":{}}}]}}]}
            """#
        let page = try ResourcePage<Pod>(json: Array(json.utf8))
        let facts = try #require(PodTable(pods: page.objects, namespaces: [])["u"])
        #expect(facts.key.description == "shop/checkout-1" && facts.serviceAccount == "till")
        #expect(facts.containers == ["abc": "app"])
    }
}
