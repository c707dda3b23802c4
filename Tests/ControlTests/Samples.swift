import Catalog
import Control

/// Messages with every field set to something of its own, so that no two can be mixed up unnoticed.
enum Samples {
    static let v4 = SocketAddress(ip: IPAddress(v4: 127, 64, 0, 10), port: 8000)
    static let v6 = SocketAddress(
        ip: IPAddress(family: .v6, high: 0x2001_0DB8_0000_0001, low: 0xFFEE_DDCC_BBAA_9988), port: 65_535)

    static var settings: ProxySettings {
        ProxySettings(
            generation: .max, catalog: catalog, hostNetnsCookie: 4_026_531_840, slots: [4096, 0],
            accountSlots: accountSlots(of: catalog), tracing: Tracing(sample: 123_456, followsParent: false))
    }

    /// Who may come in and use what, by itself: the tests that change each byte take time by the square of its length.
    static var accessSettings: ProxySettings {
        ProxySettings(
            generation: 2, catalog: accessCatalog, hostNetnsCookie: 1, credentials: credentials,
            accountSlots: accountSlots(of: accessCatalog), tracing: Tracing(sample: 1, followsParent: true))
    }

    /// One for each account, and none of them like another.
    static func accountSlots(of catalog: Catalog) -> [UInt32] {
        catalog.accounts.indices.map { 0xFFFF_FFFF - UInt32($0) }
    }

    static func configured(_ catalog: Catalog, _ credentials: Credentials = Credentials()) -> ProxySettings {
        ProxySettings(generation: 0, catalog: catalog, hostNetnsCookie: 0, credentials: credentials)
    }

    static var agentMessages: [AgentMessage] {
        [
            .welcome(settings), .configure(configured(Catalog(pools: pools))), .configure(accessSettings),
            .configure(configured(Catalog())),
            .query(id: 0xFFFF_FFFE, .statistics), .query(id: 1, .flows), .stop(deadlineMilliseconds: 30_000),
            .query(id: 2, .routing), .query(id: 3, .explain(explainQuery)), .query(id: 4, .explain(ExplainQuery(model: ""))),
            .query(id: 5, .rotate("chat")), .standings(standings), .standings([]), .watchDecisions(true), .watchDecisions(false),
            .auditSink(true), .auditSink(false), .query(id: 6, .queues), .handOver,
            .listener(handed), .retire(deadlineMilliseconds: 300_000), .carry(ProxyTotals()),
            .pods([]), .pods([CgroupPod(cgroup: .max, pod: PodName(name: "shop/a", serviceAccount: "é"))]),
        ] + accessVariants.map { .configure(configured($0)) } + credentialVariants.map { .configure(configured(Catalog(), $0)) }
    }

    static let handed = HandedListener(
        address: SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 15001), purpose: .capture, count: 2)

    static var proxyMessages: [ProxyMessage] {
        let events = ProxyEvent.Kind.allCases.map { ProxyMessage.event(ProxyEvent(kind: $0)) }
        return events + [
            .event(event), .hello(ProxyHello(pid: -1, version: "0.1.0", abi: 1, generation: 7)), .applied(generation: 3),
            .rejected(generation: 4, reason: "127.0.0.1:15001: address in use"), .report(id: 5, .statistics(statistics)),
            .report(id: 6, .flows(flows)), .report(id: 7, .flows([])), .report(id: 8, .statistics(ProxyStatistics())),
            .report(id: 9, .routing(endpointRecords, routeRecords)), .report(id: 10, .routing([], [])),
            .report(id: 11, .explanation(decision)), .report(id: 12, .explanation(refusedDecision)),
            .report(id: 17, .explanation(waitingDecision)),
            .report(id: 13, .rotated(from: key, to: EndpointKey(url: "u", address: v6))),
            .report(id: 14, .rotated(from: nil, to: nil)), .report(id: 15, .queues(queueRecords)), .report(id: 16, .queues([])),
            .wanted([key, EndpointKey(url: "", address: v6)]), .wanted([]), .listener(handed),
            .listener(HandedListener(address: v6, purpose: .secureGateway, count: 64)), .handedOver(sockets: 0x0102_0304),
            .hello(ProxyHello(pid: 9, version: "", abi: 2, generation: 0, retiring: 0)),
            .spans([0x12, 0], count: 1), .spans([], count: 0),
        ]
    }
}
