/// Collects the faults of one configuration; only so many are kept, the rest is counted.
final class FaultLog {
    private var faults: [ConfigurationFault] = []
    private var omitted = 0

    var isEmpty: Bool { faults.isEmpty }

    /// Everything collected so far as one error.
    var collected: ConfigurationFaults { ConfigurationFaults(faults, omitted: omitted) }

    func add(_ fault: ConfigurationFault) {
        if faults.count < Limits.faults { faults.append(fault) } else { omitted += 1 }
    }

    /// Adds everything that `other` has collected.
    func add(_ other: FaultLog) {
        for fault in other.faults { add(fault) }
        omitted += other.omitted
    }

    func add(line: Int?, key: String, _ message: String) {
        add(ConfigurationFault(line: line, key: key, message: message))
    }
}

/// How messages name a place in the file.
enum KeyPath {
    /// `models.llama-70b`; a name that would be ambiguous there is quoted: `models."a.b"`.
    static func member(_ name: String, of parent: String) -> String {
        let plain = !name.isEmpty && name.utf8.allSatisfy(isPlain)
        let shown = plain ? printable(name) : quoted(name)
        return parent.isEmpty ? shown : "\(parent).\(shown)"
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "/"), UInt8(ascii: ":"):
            true
        default: false
        }
    }
}
