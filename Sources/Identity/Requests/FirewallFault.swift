/// Why a pattern can be in no firewall rule.
package struct FirewallFault: Error, Hashable, Sendable, CustomStringConvertible {
    package let pattern: String
    /// Continues a sentence that begins with the pattern.
    package let reason: String

    package var description: String { "'\(pattern)' \(reason)" }
}
