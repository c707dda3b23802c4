internal import Configuration

extension QoSReport {
    /// What `qos show` without a model prints: a line for each.
    package static func table(_ reports: [QoSReport], width: Int?) -> String {
        var table = Table([
            .init("model", shrinks: true), .init("mode"), .init("requests", .right), .init("tokens", .right),
            .init("connects", .right), .init("open", .right), .init("bandwidth", .right), .init("share", .right),
            .init("priority"), .init("admitted", .right), .init("refused", .right), .init("observed", .right),
        ])
        for report in reports { table.add(report.cells) }
        let note = reports.contains { !$0.liveFields.isEmpty } ? "* set live; `qos reset MODEL` ends that\n" : ""
        return table.rendered(width: width) + note
    }

    private var cells: [String] {
        [
            model, marked(.mode), marked(.requests), marked(.tokens), marked(.connects), openCell, marked(.bandwidth), shareCell,
            marked(.priority), "\(admitted)", "\(refused)", "\(observed)",
        ]
    }

    /// The value in force, with a star when it was set by hand; empty where nothing holds.
    private func marked(_ field: QoSField) -> String {
        guard let setting = settings[field.rawValue] else { return "" }
        if setting.source == .live { return setting.value + "*" }
        return setting.value == QoSText.none ? "" : setting.value
    }

    private var openCell: String {
        let cap = marked(.connections)
        return cap.isEmpty ? "\(connections.open)" : "\(connections.open)/\(cap)"
    }

    /// What limits the model, in a few words; nil: nothing does.
    package var short: String? {
        let fields: [(QoSField, String)] = [
            (.requests, ""), (.tokens, " tokens"), (.connects, " connects"), (.connections, " open"), (.bandwidth, ""),
            (.priority, ""),
        ]
        let parts = fields.compactMap { field, unit in
            let value = marked(field)
            return value.isEmpty ? nil : value + unit
        }
        guard !parts.isEmpty else { return nil }
        return (settings[QoSField.mode.rawValue]?.value == "observe" ? "observe: " : "") + parts.joined(separator: ", ")
    }

    /// The smaller of both ways.
    private var shareCell: String {
        [sockets.requests.share, sockets.responses.share].compactMap(\.self).min().map(Self.byteRate) ?? ""
    }

    static func byteRate(_ bytesPerSecond: UInt64) -> String { Units.bytes(bytesPerSecond) + "/s" }

    /// Fields set by hand, in their order.
    package var liveFields: [QoSField] { QoSField.allCases.filter { settings[$0.rawValue]?.source == .live } }

    /// Requests at layer 7 and connections in the kernel: a connection to the proxy counts for itself and for its requests.
    package var admitted: UInt64 { connections.admitted &+ (buckets["requests"]?.admitted ?? 0) }

    package var refused: UInt64 {
        let kernel = refusals.filter { !Self.layer7Reasons.contains($0.reason) }.reduce(0) { $0 &+ $1.count }
        return kernel &+ (buckets["requests"]?.refused ?? 0)
    }

    package var observed: UInt64 {
        connections.observed &+ (buckets["requests"]?.observed ?? 0) &+ (buckets["connects"]?.observed ?? 0)
    }

    private static let layer7Reasons: Set = ["requests", "tokens"]
}
