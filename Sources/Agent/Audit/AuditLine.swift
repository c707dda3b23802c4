internal import Control
internal import KernelPlane

/// The line of a decision that the kernel made at connect().
enum AuditLine {
    /// nil: the connect went on.
    static func of(_ event: KernelEvent, _ report: EventReport) -> [UInt8]? {
        let code: String
        switch event.kind {
        case .denied: code = "connect_denied"
        case .refused: code = "connect_refused"
        case .limited:
            guard !event.observed else { return nil }
            code = report.reason ?? "limited"
        case .direct: return nil
        }
        var line = "{\"time\":\(text(report.time)),\"layer\":\"kernel\",\"entrance\":\"connect\""
        add("client", report.client, &line)
        line += ",\"auth\":\(report.client == nil ? "\"none\"" : "\"workload\"")"
        add("workload", report.workload, &line)
        add("pod", report.pod, &line)
        add("service_account", report.serviceAccount, &line)
        if let pid = report.pid { line += ",\"pid\":\(pid)" }
        add("address", report.address, &line)
        add("model", report.model, &line)
        line += ",\"decision\":\"deny\",\"rule\":\(text(code))"
        add("capture", report.rule, &line)
        return Array((line + "}\n").utf8)
    }

    private static func add(_ key: String, _ value: String?, _ line: inout String) {
        if let value { line += ",\"\(key)\":\(text(value))" }
    }

    /// As JSON has it.
    static func text(_ value: String) -> String {
        let digits = Array("0123456789abcdef")
        var text = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case let control where control.value < 0x20:
                text += "\\u00\(digits[Int(control.value >> 4)])\(digits[Int(control.value & 15)])"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
