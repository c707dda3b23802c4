/// One thing that `doctor` looked at.
package struct Check: Hashable, Sendable, Codable {
    package enum Verdict: String, Hashable, Sendable, Codable {
        case ok
        /// Works, but not as it should.
        case warn
        /// The broker cannot work like this.
        case fail
    }

    package var verdict: Verdict
    /// What was looked at: `kernel`, `agent`, …
    package var name: String
    /// What was found.
    package var finding: String
    /// What to do about it; nil when there is nothing to do.
    package var advice: String?

    package static func ok(_ name: String, _ finding: String) -> Check {
        Check(verdict: .ok, name: name, finding: finding)
    }

    package static func warn(_ name: String, _ finding: String, _ advice: String) -> Check {
        Check(verdict: .warn, name: name, finding: finding, advice: advice)
    }

    package static func fail(_ name: String, _ finding: String, _ advice: String) -> Check {
        Check(verdict: .fail, name: name, finding: finding, advice: advice)
    }

    /// `FAIL  what  — what to do`.
    package var line: String {
        let label = verdict == .fail ? "FAIL" : verdict.rawValue
        let padded = label + String(repeating: " ", count: 6 - label.count)
        return padded + "\(name): \(finding)".printable + (advice.map { "  — \($0.printable)" } ?? "")
    }
}
