/// How large a configuration may be, so that no file can exhaust the agent or overflow the kernel's maps.
enum Limits {
    static let fileBytes = 4 << 20
    /// Lists and mappings inside each other; the schema itself needs six.
    static let depth = 16
    /// `MB_MAX_RULES`: entries of the kernel plane's `rule_counters`.
    static let rules = 16_384
    /// `MB_MAX_DESTINATIONS`: entries of each of the kernel plane's rule tries, one trie for each address family.
    static let destinations = 65_536
    static let models = 100_000
    /// `MB_MAX_MODELS`: models that the kernel plane governs.
    static let slots = 4_096
    /// `MB_MAX_SET_ENDPOINTS`: endpoints among which connect() chooses.
    static let directEndpoints = 32
    /// `MB_MAX_ACCESS`: models in the `allow` and `deny` of all clients.
    static let access = 262_144
    static let gateways = 64
    static let clients = 65_536
    /// Bytes of a file that a `${file:…}` names, and of all references of one configuration together.
    static let referenceBytes = 64 << 10
    static let allReferenceBytes = 4 << 20
    /// Faults listed; more are only counted.
    static let faults = 1_000
    /// Pieces of text that look like YAML anchors or aliases, before the file is refused unread.
    static let anchorLikenesses = 16
    /// Times that a file with a key given twice is read again to find what else is wrong with it.
    static let duplicateRounds = 16
    /// Larger files are not read again.
    static let duplicateBytes = 256 << 10
}
