internal import Glibc

/// Who may speak as the proxy: a process of the proxy's user, or root, in the broker's cgroup. The user alone is not
/// enough: other programs may run as that user, too, but none can put itself into the broker's cgroup.
struct ProxyAdmission: Sendable {
    let uid: uid_t
    /// Path below the cgroup v2 mount.
    let brokerCgroup: String
    /// A process's cgroup below the mount; nil when there is no such process.
    var cgroupOf: @Sendable (Int32) -> String? = { BrokerCgroup.currentPath(of: String($0)) }

    func check(pid: Int32, uid peer: uid_t) throws(AgentError) {
        guard peer == 0 || peer == uid else {
            throw AgentError("the process with pid \(pid) may not be the proxy: it runs as user \(peer), not \(uid)")
        }
        guard pid > 0, let cgroup = cgroupOf(pid) else {
            throw AgentError(
                "a process that asks to be the proxy is in another pid namespace; give the agent the host's (hostPID)")
        }
        // Servers that the agent starts are below the broker's cgroup, too, and are strangers all the same.
        let engines = CgroupTree.join(brokerCgroup, EngineCgroup.name)
        guard CgroupTree.isAncestor(brokerCgroup, ofOrEqual: cgroup), !CgroupTree.isAncestor(engines, ofOrEqual: cgroup) else {
            throw AgentError(
                "the process with pid \(pid) may not be the proxy: it is in the cgroup \(cgroup); start it below \(brokerCgroup)")
        }
    }
}
