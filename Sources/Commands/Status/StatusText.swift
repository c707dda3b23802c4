package import Control
private import Glibc

extension StatusReport {
    /// What `modelbroker status` prints.
    package var text: String {
        var facts = Facts()
        facts.add("agent", agentLine)
        facts.add("config", configurationLine)
        facts.add("reload", configuration.lastReload.map(Self.line))
        for fault in configuration.lastReload?.faults ?? [] { facts.add("", fault) }
        facts.add("rejected", configuration.proxyRejection.map { "by the proxy: \($0)" })
        facts.add("proxy", proxyLine)
        for draining in proxy.draining ?? [] { facts.add("draining", Self.line(draining)) }
        facts.add("replaced", proxy.lastReplacement.map(Self.line))
        facts.add("accepted", acceptedLine)
        facts.add("capture", "\(kernel.captureCgroup)\(kernel.adopted ? ", programs taken over from the agent before" : "")")
        facts.add("broker", kernel.brokerCgroup)
        facts.add("pins", kernel.pinDirectory)
        for (index, listener) in kernel.listeners.enumerated() {
            facts.add(index == 0 ? "listeners" : "", Self.line(listener))
        }
        if let kubernetes {
            facts.add("kubernetes", kubernetes.line)
            for resource in kubernetes.resources { facts.add("", resource.line) }
        }
        facts.add("catalog", catalogLine)
        facts.add("resources", resourcesLine)
        for resource in (resources ?? []).filter({ !$0.isAccepted }).prefix(20) {
            facts.add("", "\(resource.name): \(resource.reason): \(resource.message)")
        }
        for (index, export) in (exports ?? []).enumerated() { facts.add(index == 0 ? "tells" : "", Self.line(export)) }
        for (index, certificate) in (certificates ?? []).enumerated() {
            facts.add(index == 0 ? "expires" : "", Self.line(certificate, now: Int64(time(nil))))
        }
        for (index, complaint) in untold.enumerated() { facts.add(index == 0 ? "complaints" : "", complaint) }
        return facts.rendered() + "\nkernel counters\n" + KernelCounters.text(kernel.counters)
    }

    /// Complaints that no other line has.
    private var untold: [String] {
        let told = (exports ?? []).map { "\($0.name) to " }
        return (complaints ?? []).filter { complaint in !told.contains { complaint.hasPrefix($0) } }
    }

    private var agentLine: String {
        "running, pid \(agent.pid), version \(agent.version), up \(Units.duration(milliseconds: agent.uptimeMilliseconds))"
    }

    private var configurationLine: String {
        let line = "\(configuration.path), generation \(configuration.generation)"
        return switch configuration.proxyGeneration {
        case configuration.generation?: line
        case let generation?: "\(line) (the proxy still has \(generation))"
        case nil: "\(line) (not in the proxy yet)"
        }
    }

    private static func line(_ reload: ReloadReport) -> String {
        let verdict = reload.accepted ? "accepted" : "refused with \(Units.count(reload.faults.count, "fault"))"
        return "\(verdict) at \(reload.time)"
    }

    private static func line(_ draining: DrainingProxy) -> String {
        let open = draining.openConnections.map { ", \(Units.count(Int(clamping: $0), "connection")) open" } ?? ""
        return "pid \(draining.pid)\(open), \(Units.duration(milliseconds: draining.remainingMilliseconds)) left"
    }

    private static func line(_ replacement: ReplacementReport) -> String {
        let to = replacement.to.map { "pid \($0)" } ?? "another one"
        guard !replacement.replaced else { return "pid \(replacement.from) by \(to) at \(replacement.time)" }
        return "not, at \(replacement.time): \(replacement.reason ?? "unknown")"
    }

    private var proxyLine: String {
        var parts = [proxy.adopted ? "\(proxy.state.rawValue) (adopted)" : proxy.state.rawValue]
        if let pid = proxy.pid { parts.append("pid \(pid)") }
        if let uptime = proxy.uptimeMilliseconds { parts.append("up \(Units.duration(milliseconds: uptime))") }
        if let resident = proxy.residentBytes { parts.append(Units.bytes(resident)) }
        if let descriptors = proxy.descriptors { parts.append("\(descriptors) descriptors") }
        if let open = proxy.openConnections { parts.append("\(Units.count(Int(clamping: open), "connection")) open") }
        if proxy.restarts > 0 { parts.append(Units.count(Int(clamping: proxy.restarts), "restart")) }
        if let lastExit = proxy.lastExit { parts.append("last ended by \(lastExit)") }
        return parts.joined(separator: ", ")
    }

    private var acceptedLine: String? {
        guard let captured = proxy.acceptedCaptured else { return nil }
        var parts = ["\(captured) captured", "\(proxy.acceptedGateway ?? 0) at the gateway"]
        for (count, what) in [
            (proxy.opaque, "opaque"), (proxy.unnamed, "without a model"), (proxy.refused, "refused"),
            (proxy.withoutOrigin, "without an origin"), (proxy.tagFailures, "not put under their model"),
        ] {
            if let count, count > 0 { parts.append("\(count) \(what)") }
        }
        return parts.joined(separator: ", ")
    }

    private static func line(_ listener: Listener) -> String {
        guard let address = listener.address else { return "\(listener.name) not configured" }
        return "\(listener.name) \(address) \(listener.alive ? "alive" : "NOT LISTENING")"
    }

    /// nil: the configuration does not ask for any.
    private var resourcesLine: String? {
        resources.map { resources in
            let accepted = resources.count(where: \.isAccepted)
            return "\(accepted) in force, \(resources.count - accepted) refused"
        }
    }

    private static func line(_ export: ExportReport) -> String {
        var parts = ["\(export.name) to \(export.target): \(export.sent) sent"]
        if export.refused > 0 { parts.append("\(export.refused) refused") }
        if export.dropped > 0 { parts.append("\(export.dropped) dropped") }
        if export.waitingBytes > 0 { parts.append("\(Units.bytes(export.waitingBytes)) waiting") }
        if let fault = export.fault { parts.append("FAILING: \(fault)") }
        return parts.joined(separator: ", ")
    }

    /// Certificates that have not long to live stand out.
    private static func line(_ certificate: CertificateReport, now: Int64) -> String {
        let days = (certificate.expires - now) / 86_400
        let what = "\(certificate.file) (\(certificate.use))"
        if certificate.expires <= now { return "\(what) HAS EXPIRED" }
        if let begins = certificate.begins, begins > now {
            return "\(what) NOT VALID BEFORE \(Units.moment(epochSeconds: begins))"
        }
        return certificate.expires - now < CertificateReport.notice ? "\(what) in \(days) DAYS" : "\(what) in \(days) days"
    }

    private var catalogLine: String {
        [
            Units.count(counts.rules, "rule"), Units.count(counts.models, "model"), Units.count(counts.endpoints, "endpoint"),
            Units.count(counts.clients, "client"), Units.count(counts.workloads, "workload"),
        ].joined(separator: ", ")
    }
}

extension StatusReport.Kubernetes {
    /// `synced since …, node n1 of https://10.96.0.1:443`.
    fileprivate var line: String {
        let place = "node \(node.isEmpty ? "without a name" : node) of \(server.isEmpty ? "no server" : server)"
        let verdict = state == .away ? "AWAY" : state.rawValue
        return "\(verdict) since \(since), \(place)" + (reason.map { ": \($0)" } ?? "")
    }
}

extension StatusReport.Kubernetes.Resource {
    fileprivate var line: String {
        state == .away
            ? "\(objects) \(name), as last known" : state == .synced ? "\(objects) \(name)" : "\(objects) \(name), not heard yet"
    }
}
