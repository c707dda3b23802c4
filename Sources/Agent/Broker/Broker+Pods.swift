internal import Catalog
internal import Control
internal import KernelPlane
internal import Kubernetes

/// The pods of this node, and who they are.
extension Broker {
    /// Has the proxy know which cgroups are pods', for the audit.
    func tellPods() {
        // Before the first look at the cgroups nothing is known, and what an agent before this one said holds.
        if tree != nil { surroundings.feed.tell(pods: surroundings.names.pods) }
    }

    /// The pod that a request is asked about to come from, or those that are its client; nil: neither makes sense.
    ///
    /// - Throws: when there is no such pod here.
    func callers(_ request: ExplainRequest) throws(AgentError) -> [ExplainReport.Pod]? {
        guard let cluster = catalog.node.kubernetes else {
            guard request.pod == nil else { throw AgentError("pods are not known: node.kubernetes is not configured") }
            return nil
        }
        let pods = pods(below: cluster.cgroups)
        if let name = request.pod {
            guard let pod = pods.first(where: { $0.name == name }) else {
                throw AgentError("no pod \(name) is known to run on this node")
            }
            return [pod]
        }
        return request.client.map { client in pods.filter { $0.client == client && !$0.isExempt } }
    }

    /// Those that have a cgroup, by name.
    private func pods(below roots: [String]) -> [ExplainReport.Pod] {
        var cgroups: [String: String] = [:]
        for path in (tree?.ids ?? [:]).keys {
            guard let place = PodCgroup(path, below: roots), self.pods[place.uid] != nil else { continue }
            // The pod's own is the one that all others of it are below.
            if let known = cgroups[place.uid], known.utf8.count <= path.utf8.count { continue }
            cgroups[place.uid] = path
        }
        return cgroups.compactMap { uid, path -> ExplainReport.Pod? in
            guard let facts = self.pods[uid] else { return nil }
            let entry = entry(path)
            return ExplainReport.Pod(
                name: facts.key.description, serviceAccount: facts.serviceAccount,
                client: entry.flatMap { surroundings.names.client($0.client) }, isExempt: entry?.exempt ?? false)
        }.sorted { $0.name < $1.name }
    }

    /// What the kernel has of a cgroup: its own entry, or the nearest above it.
    private func entry(_ path: String) -> WorkloadEntry? {
        var path: String? = path
        while let here = path {
            if let id = tree?.ids[here], let entry = workloads[id] { return entry }
            path = CgroupTree.parent(of: here)
        }
        return nil
    }
}
