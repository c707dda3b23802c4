/// One thing wrong with a configuration.
package struct ConfigurationFault: Hashable, Sendable, CustomStringConvertible {
    /// Counted from 1; nil: the fault concerns the file as a whole.
    package let line: Int?
    /// Where it is, as `capture[0].to[1]`; empty: the file as a whole.
    package let key: String
    /// What is wrong and what would be right. Never holds what a `${…}` reference resolved to.
    package let message: String

    package init(line: Int?, key: String, message: String) {
        self.line = line
        self.key = key
        self.message = message
    }

    package var description: String {
        let place = line.map { "line \($0): " } ?? ""
        return key.isEmpty ? place + message : "\(place)\(key): \(message)"
    }
}

/// Everything wrong with a configuration, in the order of its lines.
package struct ConfigurationFaults: Error, Hashable, Sendable, CustomStringConvertible {
    package let faults: [ConfigurationFault]
    /// Faults found beyond those listed.
    package let omitted: Int

    package init(_ faults: [ConfigurationFault], omitted: Int = 0) {
        // Sorting by position as well keeps what one line has in the order in which it was found.
        self.faults = faults.enumerated()
            .sorted { ($0.element.line ?? 0, $0.offset) < ($1.element.line ?? 0, $1.offset) }
            .map(\.element)
        self.omitted = omitted
    }

    /// One line for each fault.
    package var description: String {
        var lines = faults.map(\.description)
        if omitted > 0 { lines.append("and \(omitted) more") }
        return lines.joined(separator: "\n")
    }
}
