/// The configured identity of a caller.
package struct Client: Hashable, Sendable {
    package var name: String
    /// Cgroup path patterns below the cgroup v2 mount: `*` within a name, `**` across names. A match covers the subtree.
    package var workloads: [String]
    /// Names of the models and pools that it may call; nil: every public one.
    package var allow: [String]?
    /// Names of models and pools that it may not call.
    package var deny: [String]

    package init(name: String, workloads: [String] = [], allow: [String]? = nil, deny: [String] = []) {
        self.name = name
        self.workloads = workloads
        self.allow = allow
        self.deny = deny
    }
}
