internal import ArgumentParser
package import Control

struct ModelShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show one model with its endpoints, its limits and what went to it past the proxy.",
        discussion: """
            The first part is what the proxy relayed since it started. DIRECT is what went straight to an endpoint, by \
            client, as the kernel metered it: OTHER answers have no status, and of UNREAD connections a part was no HTTP/1, of \
            which only the bytes are counted. The rest is what `modelbroker qos show` says.

            Example:
              modelbroker model show llama-70b
            """)

    @Argument(help: "The model's name.")
    var name: String

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let report = try global.client.ask(.model(name: name), for: ModelReport.self)
        let detail = QoSPlane.beside(global.pinDirectory) { plane in try plane.detail(of: report, global.client) }
        try global.output.show(detail ?? ModelDetail(report)) { model, width in model.text(width: width) }
    }
}

extension ModelReport {
    /// What the agent's report says, for people.
    package func text(width: Int?) -> String {
        facts.rendered() + "\n" + (endpoints.isEmpty ? "no endpoints\n" : endpointTable.rendered(width: width))
    }

    private var facts: Facts {
        var facts = Facts()
        facts.add("model", name)
        let maker = resource.map { "the custom resource \($0)" } ?? "the catalogue"
        facts.add("source", source == .catalog ? maker : "seen in requests; not in the catalogue")
        if let capabilities, !capabilities.isEmpty { facts.add("capabilities", capabilities.joined(separator: ", ")) }
        routing?.add(to: &facts)
        facts.add("requests", "\(requests), \(active) under way")
        facts.add("answers", "\(status2xx) 2xx, \(status3xx) 3xx, \(status4xx) 4xx, \(status5xx) 5xx")
        facts.add("unfinished", "\(broken) broken, \(cancelled) cancelled by the caller")
        facts.add("refused", refusedLine)
        if tokens > 0 { facts.add("tokens", "\(tokens)") }
        facts.add("bytes", "\(Units.bytes(bytesIn)) in, \(Units.bytes(bytesOut)) out")
        facts.add("first byte", firstByteLine)
        return facts
    }

    /// nil: nothing was.
    private var refusedLine: String? {
        let counts = [
            (rateLimited, "over the limit of requests"), (tokenLimited, "over that of tokens"),
            (accessRefused, "not the caller's to call"),
        ]
        let parts = counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    private var firstByteLine: String {
        guard firstByte.count > 0 else { return "nothing measured yet" }
        let mean = Units.latency(microseconds: firstByte.meanMicroseconds)
        let p50 = Units.latency(microseconds: firstByte.p50Microseconds)
        let p99 = Units.latency(microseconds: firstByte.p99Microseconds)
        return "mean \(mean), p50 \(p50), p99 \(p99), of \(firstByte.count) answers"
    }

    /// Those with a star are for when no other is usable.
    private var endpointTable: Table {
        let all = endpoints + (fallback ?? [])
        let isRenamed = all.contains { $0.upstreamModel != nil }
        var table = Table(
            [
                .init("endpoint", shrinks: true), .init("addresses", shrinks: true), .init("engine"), .init("weight", .right),
                .init("failures", .right),
            ] + (isRenamed ? [.init("asked for", shrinks: true)] : []))
        for (index, endpoint) in all.enumerated() {
            let addresses = endpoint.addresses.isEmpty ? "unresolved" : endpoint.addresses.joined(separator: ",")
            table.add([
                endpoint.url + (index < endpoints.count ? "" : " *"), addresses, endpoint.engine ?? "",
                endpoint.weight.map { "\($0)" } ?? "", "\(endpoint.failures)", endpoint.upstreamModel ?? name,
            ])
        }
        return table
    }
}
