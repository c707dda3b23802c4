/// What no two clients may have in common, and how much all of them have together.
struct ClientLedger {
    private var workloads: [String: Field] = [:]
    private var matches: [String: Field] = [:]
    private var certificates: [String: Field] = [:]
    private var keyIDs: [String: Field] = [:]
    private var keyDigests: [[UInt8]: Field] = [:]
    /// Names in `allow` and `deny`, API keys, and limits that are counted.
    var names = 0
    var keys = 0
    var accounts = 0

    /// Each of these takes what a client claims for itself; the answer is the field that has it already.
    mutating func take(workload: String, _ field: Field) -> Field? { Self.take(workload, field, &workloads) }

    /// - Parameter match: of pods, in one spelling.
    mutating func take(match: String, _ field: Field) -> Field? { Self.take(match, field, &matches) }

    mutating func take(certificate: String, _ field: Field) -> Field? { Self.take(certificate, field, &certificates) }

    mutating func take(keyID: String, _ field: Field) -> Field? { Self.take(keyID, field, &keyIDs) }

    mutating func take(keyDigest: [UInt8], _ field: Field) -> Field? { Self.take(keyDigest, field, &keyDigests) }

    private static func take<Key: Hashable>(_ key: Key, _ field: Field, _ owners: inout [Key: Field]) -> Field? {
        if let first = owners[key] { return first }
        owners[key] = field
        return nil
    }
}
