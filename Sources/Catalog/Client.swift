/// The configured identity of a caller: how it proves who it is, what it may call, and how much.
package struct Client: Hashable, Sendable {
    package var name: String
    /// Cgroup path patterns below the cgroup v2 mount: `*` within a name, `**` across names. A match covers the subtree.
    package var workloads: [String]
    /// Pods of the cluster that are it: any of these.
    package var pods: [PodMatch]
    /// What it may call; nil: every public model.
    package var allow: [AccessRule]?
    /// What it may not call, whatever `allow` says.
    package var deny: [AccessRule]
    package var keys: [APIKey]
    /// Tokens that are its: any of them.
    package var tokens: [TokenMatch]
    /// Patterns of certificates that are its: `CN=…` (the subject, RFC 4514), `dns:…`, `uri:…`, `email:…`, `ip:…`.
    package var certificates: [String]
    /// What it may use, of all models together.
    package var allowance: Allowance
    /// What it may use of one model, by the model's name.
    package var modelAllowances: [String: Allowance]
    /// What each of its sessions, and each address it calls from, may use. Quotas are not kept for these.
    package var perSession: SessionAllowance?
    package var perAddress: Allowance?
    /// The service group; always one of the catalogue's.
    package var group: String

    package init(
        name: String, workloads: [String] = [], pods: [PodMatch] = [], allow: [AccessRule]? = nil, deny: [AccessRule] = [],
        keys: [APIKey] = [],
        tokens: [TokenMatch] = [], certificates: [String] = [], allowance: Allowance = Allowance(),
        modelAllowances: [String: Allowance] = [:], perSession: SessionAllowance? = nil, perAddress: Allowance? = nil,
        group: String = Group.defaultName
    ) {
        self.name = name
        self.workloads = workloads
        self.pods = pods
        self.allow = allow
        self.deny = deny
        self.keys = keys
        self.tokens = tokens
        self.certificates = certificates
        self.allowance = allowance
        self.modelAllowances = modelAllowances
        self.perSession = perSession
        self.perAddress = perAddress
        self.group = group
    }
}
