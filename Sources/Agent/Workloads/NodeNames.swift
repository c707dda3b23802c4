internal import Catalog
internal import Control
internal import Kubernetes
private import Synchronization

/// The names of what the kernel and the proxy know by number: cgroups, capture rules, clients, models. Read from every thread.
final class NodeNames: Sendable {
    private struct Tables {
        var cgroups: [UInt64: String] = [:]
        var pods = PodTable()
        /// Where pods are; empty: there is no cluster.
        var podCgroups: [String] = []
        var rules: [String] = []
        var clients: [String] = []
        var models: [UInt32: String] = [:]

        /// The pod that a cgroup belongs to; nil: it is none's that is known.
        func pod(at path: String) -> (place: PodCgroup, pod: PodFacts)? {
            guard !podCgroups.isEmpty, let place = PodCgroup(path, below: podCgroups) else { return nil }
            return pods[place.uid].map { (place, $0) }
        }
    }

    private let tables = Mutex(Tables())

    init(_ catalog: Catalog) { take(catalog) }

    func take(_ catalog: Catalog) {
        tables.withLock {
            $0.rules = catalog.rules.map(\.name)
            $0.clients = catalog.clients.map(\.name)
            $0.podCgroups = catalog.node.kubernetes?.cgroups ?? []
        }
    }

    /// - Parameter slots: of models by name, as the kernel plane gave them.
    func take(slots: [String: UInt32]) {
        let names = Dictionary(slots.map { ($0.value, $0.key) }) { first, _ in first }
        tables.withLock { $0.models = names }
    }

    func take(_ tree: CgroupTree) {
        let paths = Dictionary(tree.ids.map { ($0.value, $0.key) }) { first, _ in first }
        tables.withLock { $0.cgroups = paths }
    }

    func take(_ pods: PodTable) { tables.withLock { $0.pods = pods } }

    /// Where a cgroup is, and whose.
    func caller(_ cgroup: UInt64) -> CallerNames {
        tables.withLock { tables in
            guard let path = tables.cgroups[cgroup] else { return CallerNames(workload: FlowReport.gone(cgroup)) }
            var names = CallerNames(workload: path)
            guard let (place, pod) = tables.pod(at: path) else { return names }
            names.pod = pod.key.description
            names.container = place.container.flatMap { pod.containers[$0] }
            names.serviceAccount = pod.serviceAccount.isEmpty ? nil : pod.serviceAccount
            return names
        }
    }

    /// The cgroups that are those of pods, by their ids.
    var pods: [CgroupPod] {
        let tables = tables.withLock { $0 }
        return tables.cgroups.compactMap { id, path in
            tables.pod(at: path).map { _, pod in
                CgroupPod(cgroup: id, pod: PodName(name: pod.key.description, serviceAccount: pod.serviceAccount))
            }
        }.sorted { $0.cgroup < $1.cgroup }
    }

    /// A cgroup's path below the mount; nil when it is gone.
    func cgroup(_ id: UInt64) -> String? { tables.withLock { $0.cgroups[id] } }

    /// The rule at a position of the configuration.
    func rule(_ position: UInt32) -> String? {
        tables.withLock { Int(position) < $0.rules.count ? $0.rules[Int(position)] : nil }
    }

    /// - Parameter slot: 0: no model.
    func model(_ slot: UInt32) -> String? { tables.withLock { $0.models[slot] } }

    /// - Parameter number: 0: none; else 1 + position in the configuration.
    func client(_ number: UInt32) -> String? {
        tables.withLock { number > 0 && Int(number) <= $0.clients.count ? $0.clients[Int(number) - 1] : nil }
    }
}

/// Who a caller is, for people.
struct CallerNames: Hashable, Sendable {
    /// The cgroup's path below the mount, or `cgroup:ID`.
    var workload: String
    /// `namespace/name`; nil: it is no pod that is known.
    var pod: String?
    /// The container's name in the pod.
    var container: String?
    /// The pod's.
    var serviceAccount: String?
}
