internal import Catalog
internal import Configuration
internal import KernelPlane
internal import Kubernetes

/// What a start has made: everything that the running agent stands on.
struct Groundwork: Sendable {
    let options: AgentOptions
    let run: RunDirectory
    let state: StateDirectory
    let accounts: AccountFile
    /// What was wrong with the accounts that were there; nil: nothing.
    let accountsFault: String?
    /// Where cgroup v2 is mounted.
    let mount: String
    let broker: BrokerCgroup
    let account: Account
    /// nil: somebody else starts the proxy.
    let proxyProgram: String?
    let plane: KernelPlane
    let hostNetnsCookie: UInt64
    let configuration: [UInt8]
    let catalog: Catalog
    /// Custom resources as they were last known, and what became of them.
    let resources: [Resource]
    let verdicts: [ResourceKey: ResourceVerdict]
    let generation: UInt64
    let workloads: [UInt64: WorkloadEntry]
    /// The cluster's pods on this node, as an agent before this one knew them.
    let pods: PodTable
    let governed: Governed
    /// What the names of endpoints on the path direct resolve to, as far as that was known in time.
    let resolved: ResolvedNames
    /// Where services and pools of the cluster were when that was last known.
    let backings: Backings
    /// Addresses on `lo` that the broker added, this agent or one before it.
    let podAddresses: [IPAddress]
    /// The trees on network devices.
    let qdisc: QdiscKeeper
    let controlSocket: Int32
    let proxySocket: Int32
    let adminSocket: Int32
    let lock: InstanceLock
    /// Processes in the proxy's cgroup when the agent started.
    let earlierProxy: [Int32]

    /// Absolute path of the cgroup whose connections are captured.
    var captureCgroup: String { Self.absolute(catalog.node.cgroup, mount: mount) }

    /// `/sys/fs/cgroup/a` for `/a`.
    static func absolute(_ path: String, mount: String) -> String { path == "/" ? mount : mount + path }
}
