package import Catalog

/// What `qos set` and `qos reset` did to a model's entry.
package struct QoSChangeReport: Hashable, Sendable, Codable {
    /// One value that was given or that changed, as in `QoSReport.Setting.value`.
    package struct Item: Hashable, Sendable, Codable {
        package var before: String
        package var after: String

        package init(before: String, after: String) {
            self.before = before
            self.after = after
        }
    }

    package var model: String
    package var version: UInt64
    package var uid: UInt32
    /// By `QoSField`: those that were given, and those in force that are others now.
    package var changes: [String: Item]
    /// Sockets that the new entry was put on at once; nil: they take it as their traffic goes on.
    package var socketsReached: Int?
    /// The entry in force now.
    package var settings: [String: QoSReport.Setting]

    /// - Parameter given: fields that are shown even if their value stays.
    package init(
        model: String, version: UInt64, uid: UInt32, before: QoS, after: QoSSettings, given: Set<QoSField>,
        socketsReached: Int?
    ) {
        self.model = model
        self.version = version
        self.uid = uid
        self.socketsReached = socketsReached
        settings = after.byName
        changes = [:]
        for field in QoSField.allCases {
            let isSaid = field.text(in: before) != nil || field.text(in: after.inForce) != nil
            let old = QoSSettings.value(of: field, in: before)
            let new = QoSSettings.value(of: field, in: after.inForce)
            // A burst that nobody gave follows its rate.
            if given.contains(field) || isSaid && old != new { changes[field.rawValue] = Item(before: old, after: new) }
        }
    }

    /// `requests 100/s -> 300/s, priority normal -> high`.
    package var summary: String {
        let parts = QoSField.allCases.compactMap { field in
            changes[field.rawValue].map { "\(field.optionName) \($0.before) -> \($0.after)" }
        }
        return parts.isEmpty ? "nothing changed" : parts.joined(separator: ", ")
    }

    /// What the command prints.
    package var text: String {
        var facts = Facts()
        facts.add("model", model)
        for field in QoSField.allCases {
            guard let item = changes[field.rawValue] else { continue }
            let note = item.before == item.after ? "  (as before)" : ""
            facts.add(field.optionName, "\(item.before) -> \(item.after)\(note)")
        }
        if changes.isEmpty { facts.add("changes", "none: nothing was set by hand") }
        facts.add("in force", "version \(version)" + reach)
        return facts.rendered()
    }

    private var reach: String {
        guard let socketsReached else { return "; live sockets follow with their next round trip" }
        return socketsReached == 0 ? "" : ", on \(Units.count(socketsReached, "live socket")) at once"
    }
}
