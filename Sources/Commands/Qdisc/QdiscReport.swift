private import Glibc
package import KernelPlane

/// The tree on one device, as `qdisc show` shows it.
package struct QdiscReport: Hashable, Sendable, Codable {
    package struct Class: Hashable, Sendable, Codable {
        /// `1:11`
        package var id: String
        /// nil: it is no model's, or of one that the agent did not note.
        package var model: String?
        /// `guaranteed`, `burstable`, `best-effort`; `device` and `others` for the two that are no model's.
        package var kind: String
        /// Bytes per second.
        package var rate: UInt64
        package var ceil: UInt64
        package var priority: UInt32
        /// The rate is less than the model's bandwidth.
        package var short: Bool
        package var sentBytes: UInt64
        package var sentPackets: UInt64
        package var drops: UInt64
        package var overlimits: UInt64
        package var backlogBytes: UInt64
        package var backlogPackets: UInt64
    }

    package var device: String
    package var kind = "htb"
    /// Bytes per second.
    package var rate: UInt64
    /// `standing`, or why there is nothing to show: `no such device`, `taken away`.
    package var state: String
    /// What stood there before; nil: the system's default.
    package var former: String?
    package var classes: [Class]

    /// Looks at the device.
    static func reading(_ record: QdiscRecord) throws(KernelPlaneError) -> QdiscReport {
        let tree = QdiscTree(device: record.device)
        do {
            guard try tree.standing(recorded: true) == .ours else { return QdiscReport(record, [], state: "taken away") }
            return QdiscReport(record, try tree.readings())
        } catch {
            guard error.errno == ENODEV else { throw error }
            return QdiscReport(record, [], state: "no such device")
        }
    }

    package init(_ record: QdiscRecord, _ readings: [QdiscClassReading], state: String = "standing") {
        device = record.device
        rate = record.rate
        former = record.former.map { "\($0)" }
        self.state = state
        let models = Dictionary(record.models.map { ($0.slot, $0) }) { first, _ in first }
        classes = readings.map { Class($0, $0.form.slot.flatMap { models[$0] }) }
    }

    /// What `modelbroker qdisc show` prints.
    package static func text(_ reports: [QdiscReport], width: Int?) -> String {
        guard !reports.isEmpty else { return "no device has a tree: the configuration has no node.qdisc\n" }
        return reports.map { $0.text(width: width) }.joined(separator: "\n")
    }

    private func text(width: Int?) -> String {
        let before = former ?? "the system's default"
        let heading = "\(device.printable)  \(kind)  \(Units.bytes(rate))/s  \(state)  (before: \(before.printable))\n"
        guard !classes.isEmpty else { return heading }
        var table = Table([
            .init("class"), .init("model", shrinks: true), .init("kind"), .init("prio", .right), .init("rate", .right),
            .init("ceil", .right), .init("sent", .right), .init("packets", .right), .init("drops", .right),
            .init("overlimits", .right), .init("backlog", .right),
        ])
        for entry in classes {
            table.add([
                entry.id, entry.model ?? "", entry.kind, entry.kind == "device" ? "" : "\(entry.priority)",
                "\(Units.bytes(entry.rate))/s\(entry.short ? "*" : "")", "\(Units.bytes(entry.ceil))/s",
                Units.bytes(entry.sentBytes), "\(entry.sentPackets)", "\(entry.drops)", "\(entry.overlimits)",
                entry.backlogPackets == 0 ? "0" : "\(Units.bytes(entry.backlogBytes)), \(entry.backlogPackets)p",
            ])
        }
        return heading + table.rendered(width: width)
    }
}

extension QdiscReport.Class {
    fileprivate init(_ reading: QdiscClassReading, _ model: QdiscRecord.Model?) {
        let form = reading.form
        id = FormerQdisc.text(QdiscTree.handle | form.minor)
        self.model = model?.name
        kind =
            switch form.minor {
            case QdiscClass.device: "device"
            case QdiscClass.others: "others"
            default: model?.service ?? "unknown"
            }
        rate = form.rate
        ceil = form.ceil
        priority = form.priority
        short = model?.short ?? false
        sentBytes = reading.bytes
        sentPackets = reading.packets
        drops = reading.drops
        overlimits = reading.overlimits
        backlogBytes = reading.backlog
        backlogPackets = reading.queued
    }
}
