import Catalog
import Control
import KernelPlane
import Kubernetes
import Testing

@testable import Agent

@Suite struct PodWorkloadTests {
    private static let checkout = Client(name: "checkout", pods: [PodMatch(namespaces: ["shop"], labels: ["app": "checkout"])])
    private static let tree: CgroupTree = {
        var tree = CgroupTree()
        for (path, id) in [
            ("/", 1), ("/kubepods.slice", 2), ("/kubepods.slice/kubepods-burstable.slice", 3),
            ("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-poda_1.slice", 4),
            ("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-poda_1.slice/cri-containerd-c1.scope", 5),
            ("/kubepods.slice/kubepods-podb.slice", 6), ("/kubepods.slice/kubepods-podb.slice/cri-containerd-c2.scope", 7),
            ("/system.slice", 8), ("/kubepods.slice/kubepods-podnew.slice", 9),
        ] { tree.insert(path, id: UInt64(id)) }
        return tree
    }()

    private func pods(_ labels: [String: String] = [:]) -> PodTable {
        PodTable(
            pods: [
                Pod(metadata: ObjectMeta(name: "one", namespace: "shop", uid: "a-1", labels: ["app": "checkout"])),
                Pod(metadata: ObjectMeta(name: "two", namespace: "batch", uid: "b", labels: labels)),
            ], namespaces: [])
    }

    private func entries(
        _ clients: [Client], capture: Cluster.Capture = .all, _ pods: PodTable
    ) -> [UInt64: WorkloadEntry] {
        WorkloadTable(
            clients: clients, brokerCgroup: "/modelbroker", cluster: Cluster(server: "", node: "n", capture: capture), pods: pods
        ).entries(for: Self.tree)
    }

    private func entry(_ client: UInt32) -> WorkloadEntry { WorkloadEntry(client: client, exempt: false) }
    private let exempt = WorkloadEntry(client: 0, exempt: true)

    @Test func aPodIsItsClientWithAllOfItsContainers() {
        #expect(entries([Client(name: "other"), Self.checkout], pods()) == [4: entry(2)])
        #expect(entries([Self.checkout], PodTable()).isEmpty)
    }

    /// A pattern for all pods, and a match for one: whoever stands first.
    @Test func matchesAndPatternsGoByTheirOrder() {
        let all = Client(name: "all", workloads: ["/kubepods.slice"])
        #expect(entries([all, Self.checkout], pods()) == [2: entry(1), 4: entry(2)])
        let deep = Client(name: "deep", workloads: ["/kubepods.slice/**"])
        #expect(entries([deep, Self.checkout], pods()) == [2: entry(1)], "the pod's cgroup has a match of its own")
        #expect(entries([Self.checkout, deep], pods()) == [2: entry(2), 4: entry(1)])
    }

    @Test func whoOptsOutIsExempt() {
        let out = [PodTable.captureKey: "disabled", "app": "checkout"]
        let both = Client(name: "both", pods: [PodMatch(labels: ["app": "checkout"])])
        #expect(entries([both], pods(out)) == [4: entry(1), 6: exempt])
    }

    @Test func onlyWhoOptsInIsCaptured() {
        let opted = [PodTable.captureKey: "enabled"]
        // Neither a pod that does not say so, nor one that is not known yet; what is no pod is as it was.
        #expect(entries([], capture: .labelled, pods(opted)) == [4: exempt, 9: exempt])
    }

    @Test func withoutAClusterNothingIsAPod() {
        let table = WorkloadTable(clients: [Self.checkout], brokerCgroup: "/modelbroker", cluster: nil, pods: pods())
        #expect(table.entries(for: Self.tree).isEmpty)
    }

    @Test func callersAreNamed() {
        let names = NodeNames(Catalog(node: Node(kubernetes: Cluster(server: "", node: "n"))))
        names.take(Self.tree)
        #expect(names.caller(5).pod == nil)
        names.take(
            PodTable(
                pods: [
                    Pod(
                        metadata: ObjectMeta(name: "one", namespace: "shop", uid: "a-1"),
                        spec: Pod.Spec(serviceAccountName: "till"),
                        status: Pod.Status(containerStatuses: [Pod.Container(name: "app", containerID: "containerd://c1")]))
                ], namespaces: []))
        #expect(names.caller(5).pod == "shop/one" && names.caller(5).container == "app")
        #expect(names.caller(5).serviceAccount == "till" && names.caller(7).serviceAccount == nil)
        let one = PodName(name: "shop/one", serviceAccount: "till")
        #expect(names.pods == [CgroupPod(cgroup: 4, pod: one), CgroupPod(cgroup: 5, pod: one)])
        names.take(Catalog())
        #expect(names.pods.isEmpty, "without a cluster nothing is a pod")
        names.take(Catalog(node: Node(kubernetes: Cluster(server: "", node: "n"))))
        #expect(names.caller(4).pod == "shop/one" && names.caller(4).container == nil)
        #expect(names.caller(8) == CallerNames(workload: "/system.slice"))
        #expect(names.caller(99) == CallerNames(workload: "cgroup:99"))
    }
}
