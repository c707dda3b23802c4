internal import Catalog
internal import Identity
internal import KernelPlane
internal import Kubernetes

/// Finds, for a tree of cgroups, the entries that the kernel's `workloads` map needs.
///
/// The kernel looks a caller's cgroup up from the deepest level towards the root, so an entry covers its subtree and a
/// cgroup whose nearest entry above already names the same client needs none.
struct WorkloadTable: Sendable {
    private struct Row: Sendable {
        /// 1 + position in the configuration.
        var client: UInt32
        /// It is held to a list of models.
        var listed: Bool
        var patterns: [WorkloadPattern]
        var pods: [PodMatch]
    }

    private let rows: [Row]
    private let brokerCgroup: String
    /// nil: what looks like a pod is none.
    private let cluster: Cluster?
    private let pods: PodTable

    init(_ catalog: Catalog, pods: PodTable) {
        self.init(
            clients: catalog.clients, brokerCgroup: catalog.node.effectiveBrokerCgroup, cluster: catalog.node.kubernetes,
            pods: pods)
    }

    /// - Parameters:
    ///   - brokerCgroup: path of the broker's own cgroup, which is exempt with all below it.
    ///   - pods: as they are known; nothing matches one that is not.
    init(clients: [Client], brokerCgroup: String, cluster: Cluster? = nil, pods: PodTable = PodTable()) {
        // A pattern that does not parse was a fault of the configuration; here it matches nothing.
        rows = clients.enumerated().compactMap { index, client in
            let patterns = client.workloads.compactMap { try? WorkloadPattern($0) }
            guard !patterns.isEmpty || !client.pods.isEmpty else { return nil }
            return Row(client: UInt32(index + 1), listed: client.allow != nil, patterns: patterns, pods: client.pods)
        }
        self.cluster = cluster
        self.pods = pods
        self.brokerCgroup = brokerCgroup
    }

    /// Whether any cgroup could matter but the broker's own.
    var isEmpty: Bool { rows.isEmpty && cluster == nil }

    /// The entries for a tree by cgroup id. Of several clients that match one cgroup the first in the configuration wins.
    func entries(for tree: CgroupTree) -> [UInt64: WorkloadEntry] {
        var entries: [UInt64: WorkloadEntry] = [:]
        var inherited: [String: WorkloadEntry] = [:]
        let nobody = WorkloadEntry(client: 0, exempt: false)
        // Parents before children: a parent's path is a proper prefix of its children's, so it sorts first.
        for (path, id) in tree.ids.sorted(by: { $0.key < $1.key }) {
            if CgroupTree.isAncestor(brokerCgroup, ofOrEqual: path) {
                if path == brokerCgroup { entries[id] = WorkloadEntry(client: 0, exempt: true) }
                continue
            }
            let above = CgroupTree.parent(of: path).flatMap { inherited[$0] } ?? nobody
            // Nothing below a cgroup that is exempt can be captured again.
            let own = above.exempt ? above : entry(matching: path) ?? above
            inherited[path] = own
            if own != above { entries[id] = own }
        }
        return entries
    }

    /// The pod's cgroup decides for all of its containers: what is known of it holds for these, too.
    private func entry(matching path: String) -> WorkloadEntry? {
        var pod: PodFacts?
        if let cluster, let place = PodCgroup(path, below: cluster.cgroups) {
            pod = pods[place.uid]
            guard cluster.captures(pod) else { return WorkloadEntry(client: 0, exempt: true) }
        }
        let row = rows.first { row in
            row.patterns.contains { $0.matches(path: path) } || pod.map { pod in row.pods.contains(where: pod.matches) } == true
        }
        return row.map { WorkloadEntry(client: $0.client, exempt: false, listed: $0.listed) }
    }
}

/// What turns one set of entries into another.
struct WorkloadDifference: Sendable {
    let set: [UInt64: WorkloadEntry]
    let removed: [UInt64]

    init(from old: [UInt64: WorkloadEntry], to new: [UInt64: WorkloadEntry]) {
        set = new.filter { old[$0.key] != $0.value }
        removed = old.keys.filter { new[$0] == nil }.sorted()
    }
}
