/// How large a configuration may be, so that no file can exhaust the agent or overflow the kernel's maps.
enum Limits {
    static let fileBytes = 4 << 20
    /// Lists and mappings inside each other; the schema itself needs seven.
    static let depth = 16
    /// How deep something nested deeper is still followed, to find what else is wrong behind it.
    static let skippedDepth = 1_000
    /// `MB_MAX_RULES`: entries of the kernel plane's `rule_counters`.
    static let rules = 16_384
    /// `MB_MAX_DESTINATIONS`: entries of each of the kernel plane's rule tries, one trie for each address family.
    static let destinations = 65_536
    static let models = 100_000
    /// Of all models and pools together: as many as the proxy has numbers for.
    static let endpoints = 65_536
    static let labels = 64
    static let maintenanceWindows = 64
    static let pools = 1_024
    /// Models in all pools together.
    static let poolMembers = 262_144
    /// Pools inside each other.
    static let poolDepth = 16
    /// Custom ones.
    static let capabilities = 1_024
    /// `MB_MAX_MODELS`: models that the kernel plane governs.
    static let slots = 4_096
    /// `MB_MAX_SET_ENDPOINTS`: endpoints among which connect() chooses.
    static let directEndpoints = 32
    /// `MB_MAX_ACCESS`: models in the `allow` and `deny` of all clients.
    static let access = 262_144
    /// Rules of one list that say more than names, and hours of one rule: each is looked at for each request.
    static let detailedRules = 256
    static let times = 32
    static let gateways = 64
    static let clients = 65_536
    /// Custom resources, and bytes of one, about.
    static let resources = 4_096
    static let resourceBytes = 256 << 10
    /// Each of them may have a queue for each model.
    static let groups = 256
    /// Arguments of a program that is started, and variables of its environment; bytes of each.
    static let arguments = 1_024
    static let argumentBytes = 32 << 10
    /// API keys of all clients together.
    static let keys = 65_536
    static let issuers = 64
    /// Of one client: matches of pods, and names in one of them.
    static let podMatches = 256
    /// In which the kubelet keeps pods.
    static let podCgroups = 16
    /// Of one client: tokens that are its, claims of one, values of a claim, patterns of certificates.
    static let tokens = 64
    static let claims = 32
    static let claimPatterns = 64
    static let certificates = 256
    /// Limits and quotas that are counted, of all clients and models together.
    static let accounts = 65_536
    static let firewallRules = 256
    /// Bytes of each body that an audit line can have.
    static let auditBody = 1 << 20
    /// Headers that a web server is told something with, and labels and attributes that it is told.
    static let webHeaders = 16
    static let exportLabels = 32
    /// Bytes of a file of certificates, and of a key for an endpoint.
    static let certificateBytes = 1 << 20
    static let keyBytes = 8 << 10
    /// Bytes of a request's body that are kept to send it again.
    static let keptBody = 32 << 20
    /// Bytes of a file that a `${file:…}` names, and of all references of one configuration together.
    static let referenceBytes = 64 << 10
    static let allReferenceBytes = 4 << 20
    /// Faults listed; more are only counted.
    static let faults = 1_000
}
