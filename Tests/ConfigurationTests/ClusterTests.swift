import Catalog
import Configuration
import Testing

@Suite struct ClusterReadingTests {
    private static let pod = ["KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "6443", "NODE_NAME": "n1"]
    private static let account = "/var/run/secrets/kubernetes.io/serviceaccount"

    @Test func withoutTheSectionThereIsNoCluster() throws {
        #expect(try catalog("node: {}", environment: Self.pod).node.kubernetes == nil)
        #expect(try catalog("node:\n  kubernetes:\n", environment: Self.pod).node.kubernetes == nil)
    }

    @Test func aPodKnowsItsCluster() throws {
        let cluster = try #require(try catalog("node: {kubernetes: {}}", environment: Self.pod).node.kubernetes)
        #expect(
            cluster
                == Cluster(
                    server: "https://10.96.0.1:6443", tokenFile: Self.account + "/token", caFile: Self.account + "/ca.crt",
                    node: "n1"))
        let six = try catalog("node: {kubernetes: {}}", environment: ["KUBERNETES_SERVICE_HOST": "fd00::1"])
        #expect(six.node.kubernetes?.server == "https://[fd00::1]:443")
        #expect(six.node.kubernetes?.node == "")
    }

    @Test func anotherServerGetsNoTokenThatItIsNotGiven() throws {
        let yaml =
            "node: {kubernetes: {server: \"http://127.0.0.1:8001/\", node: n2, capture: labelled, cgroups: [/a/kubepods/]}}"
        #expect(
            try catalog(yaml, environment: Self.pod).node.kubernetes
                == Cluster(server: "http://127.0.0.1:8001", node: "n2", capture: .labelled, cgroups: ["/a/kubepods"]))
        let given = "node: {kubernetes: {server: \"https://api.example:6443\", tokenFile: /t, caFile: /c, node: n}}"
        #expect(
            try catalog(given).node.kubernetes
                == Cluster(server: "https://api.example:6443", tokenFile: "/t", caFile: "/c", node: "n"))
    }

    @Test func useIsToldOnceInAWhile() throws {
        let own = "server: \"http://127.0.0.1:1\", node: n"
        for (more, wanted) in [("", 60_000), (", usage: 5m", 300_000), (", usage: off", nil)] as [(String, Int?)] {
            #expect(try catalog("node: {kubernetes: {\(own)\(more)}}").node.kubernetes?.usage == wanted)
        }
    }

    @Test(arguments: [
        ("{usage: 1s}", "node.kubernetes.usage", "from 5s to 24h, nor off"), ("{usage: no}", "node.kubernetes.usage", ""),
        ("{server: \"http://10.0.0.1:80\"}", "node.kubernetes.server", "is not https, and the token would go there"),
        ("{server: \"https://a/api\"}", "node.kubernetes.server", "has a path"), ("{server: x}", "node.kubernetes.server", ""),
        ("{capture: some}", "node.kubernetes.capture", "is not all or labelled"),
        ("{node: Node_1}", "node.kubernetes.node", "is not the name of a node"), ("{node: \"\"}", "node.kubernetes.node", ""),
        ("{tokenFile: token}", "node.kubernetes.tokenFile", "is not an absolute path"),
        ("{cgroups: []}", "node.kubernetes.cgroups", "names no cgroup"), ("{cgroups: kubepods}", "node.kubernetes.cgroups", ""),
        ("{sever: x}", "node.kubernetes.sever", "did you mean server?"), ("[]", "node.kubernetes", "must be a mapping"),
        ("{server: \"http://127.0.0.1:1\", caFile: /c}", "node.kubernetes.caFile", "has no meaning"),
    ])
    func namesWhatIsWrong(section: String, key: String, reason: String) {
        let found = faults("node: {kubernetes: \(section)}", environment: Self.pod)
        #expect(found.count == 1 && found[0].contains(" \(key): ") && found[0].contains(reason), "\(found)")
    }
}

@Suite struct PodMatchTests {
    @Test func isOneOrAList() throws {
        let read = try catalog(
            """
            clients:
              one: {match: {namespace: shop, labels: {app: checkout}}}
              two: {match: [{namespace: [a, b]}, {serviceAccount: till}], workloads: [/x]}
              none: {}
            """)
        #expect(
            read.clients.map(\.pods) == [
                [PodMatch(namespaces: ["shop"], labels: ["app": "checkout"])],
                [PodMatch(namespaces: ["a", "b"]), PodMatch(serviceAccounts: ["till"])], [],
            ])
        #expect(read.clients[0].pods[0].text == "namespace shop, app=checkout")
    }

    @Test(arguments: [
        ("{}", "clients.a.match", "every pod would be this client"),
        ("[{}]", "clients.a.match[0]", "every pod would be this client"),
        ("{namespace: []}", "clients.a.match.namespace", "names nothing"),
        ("{namespace: Shop}", "clients.a.match.namespace", "is not a name of Kubernetes"),
        ("{namespace: x, label: {a: b}}", "clients.a.match.label", "did you mean labels?"),
        ("shop", "clients.a.match", "must be a mapping"),
        ("[{namespace: x}, {namespace: x}]", "clients.a.match[1]", "a pod belongs to one client"),
    ])
    func namesWhatIsWrong(match: String, key: String, reason: String) {
        let found = faults("clients: {a: {match: \(match)}}")
        #expect(found.count == 1 && found[0].contains(" \(key): ") && found[0].contains(reason), "\(found)")
    }

    @Test func noTwoClientsAreTheSamePods() {
        let found = faults("clients: {a: {match: {namespace: x}}, b: {match: {namespace: [x]}}}")
        #expect(found.count == 1 && found[0].contains("clients.b.match: is the same as clients.a.match on line 1"), "\(found)")
    }
}
