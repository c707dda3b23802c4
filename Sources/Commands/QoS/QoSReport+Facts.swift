extension QoSReport {
    /// What `qos show MODEL` prints.
    ///
    /// - Parameter beside: the model's name and bytes stand beside it already.
    package func text(width: Int?, beside: Bool = false) -> String {
        [
            facts(beside).rendered(), settingsTable.rendered(width: width), bucketTable.rendered(width: width), socketText(width),
            refusalText(width),
        ]
        .filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private func facts(_ beside: Bool) -> Facts {
        var facts = Facts()
        facts.add(beside ? "entry" : "model", "\(beside ? "" : model + ", ")\(access), slot \(slot)")
        facts.add("set live", liveLine)
        facts.add("open", openLine)
        guard !beside else { return facts }
        facts.add("proxied", bytes.proxied.map { "\(Units.bytes($0.sent)) of requests, \(Units.bytes($0.received)) of answers" })
        facts.add(
            "direct", "\(Units.bytes(bytes.direct.sent)) of requests, \(Units.bytes(bytes.direct.received)) of answers")
        return facts
    }

    private var liveLine: String {
        let names = liveFields.map(\.optionName).joined(separator: ", ")
        guard let changed else { return names.isEmpty ? "nothing" : names }
        let by = "\(changed.time) by uid \(changed.uid)"
        return names.isEmpty ? "nothing (last changed \(by))" : "\(names), since \(by)"
    }

    private var openLine: String {
        let cap = connections.cap.map { " of \($0)" } ?? ""
        let observed = connections.observed > 0 ? ", \(connections.observed) over the cap let pass" : ""
        return "\(connections.open)\(cap) connections, \(connections.admitted) admitted\(observed)"
    }

    private var settingsTable: Table {
        var table = Table([.init("value"), .init("in force"), .init("source"), .init("file"), .init("live")])
        for field in QoSField.allCases {
            guard let setting = settings[field.rawValue] else { continue }
            table.add([
                field.optionName, setting.value, setting.source.rawValue, setting.configured ?? "", setting.live ?? "",
            ])
        }
        return table
    }

    private var bucketTable: Table {
        var table = Table([
            .init("limit"), .init("level", .right), .init("capacity", .right), .init("owed", .right), .init("admitted", .right),
            .init("refused", .right), .init("observed", .right), .init("contended", .right),
        ])
        for name in ["requests", "tokens", "connects"] {
            guard let bucket = buckets[name] else { continue }
            table.add([
                name, bucket.level.map(String.init) ?? "", bucket.capacity.map(String.init) ?? "", "\(bucket.owed)",
                "\(bucket.admitted)", "\(bucket.refused)", "\(bucket.observed)", "\(bucket.contended)",
            ])
        }
        return table
    }

    private func socketText(_ width: Int?) -> String {
        var table = Table([.init("sockets"), .init("active", .right), .init("share each", .right)])
        for (name, leg) in [("requests", sockets.requests), ("responses", sockets.responses)] {
            table.add([name, "\(leg.active)", leg.share.map(Self.byteRate) ?? ""])
        }
        let failed = sockets.applyFailed > 0 ? ", \(sockets.applyFailed) options refused by the kernel" : ""
        return table.rendered(width: width)
            + "\(Units.count(Int(clamping: sockets.tagged), "socket")) under the model, entry applied \(sockets.applied) times\(failed)\n"
    }

    private func refusalText(_ width: Int?) -> String {
        guard !refusals.isEmpty else { return "" }
        var table = Table([.init("refused"), .init("client"), .init("count", .right)])
        for refusal in refusals {
            table.add([refusal.reason, refusal.client.clientText(refusal.name), "\(refusal.count)"])
        }
        return table.rendered(width: width)
    }
}
