import Catalog
import Telemetry
import Testing

@testable import Agent
@testable import KernelPlane

/// The models' entries and the path direct on the metrics page.
@Suite struct GovernedMetricsTests {
    private static func bucket(_ admitted: UInt64, level: UInt64? = nil, capacity: UInt64? = nil) -> BucketReading {
        BucketReading(
            level: level, capacity: capacity, owed: 0, admitted: admitted, refused: admitted == 0 ? 0 : 2, observed: 0,
            contended: 0)
    }

    static var page: GovernedPage {
        var page = GovernedPage()
        let qos = ModelQoS(
            name: "llama", slot: 1, version: 2, configured: QoS(), live: QoS(), inForce: QoS(), changed: nil, isPrivate: false,
            buckets: [.requests: bucket(1020, level: 3, capacity: 20), .tokens: bucket(0), .connects: bucket(7)], open: 5,
            active: .init(responses: 4, requests: 6), share: .init(responses: 25, requests: 16), tagged: 10, connects: 7,
            observedConnections: 1, applied: 9, applyFailed: 0,
            refusals: [.init(client: 1, reason: .rate, count: 8), .init(client: 0, reason: .access, count: 9)])
        page.entries = [.init(label: "llama", qos: qos)]
        page.clients = [1: "checkout"]
        page.ungoverned = 2
        page.meters = [
            .init(
                model: "llama", client: "", connections: 3, requests: 30, statuses: [0, 0, 28, 0, 1, 1], bytesSent: 100,
                bytesReceived: 200, firstBytes: 30, firstByteNanoseconds: 3_000_000)
        ]
        page.endpoints = [
            .init(
                model: "llama", address: SocketAddress(ip: IPAddress(v4: 10, 0, 0, 1), port: 8000), usable: true, open: 3,
                picked: 4, failed: 1)
        ]
        return page
    }

    @Test(arguments: [
        "modelbroker_qos_fault 0", "modelbroker_qos_ungoverned_models 2",
        "modelbroker_qos_units_total{model=\"llama\",kind=\"requests\",outcome=\"admitted\"} 1020",
        "modelbroker_qos_units_total{model=\"llama\",kind=\"requests\",outcome=\"refused\"} 2",
        "modelbroker_qos_units_total{model=\"llama\",kind=\"requests\",outcome=\"observed\"} 0",
        "modelbroker_qos_units_total{model=\"llama\",kind=\"connects\",outcome=\"admitted\"} 7",
        "modelbroker_qos_bucket_level{model=\"llama\",kind=\"requests\"} 3",
        "modelbroker_qos_bucket_capacity{model=\"llama\",kind=\"requests\"} 20",
        "modelbroker_qos_open_connections{model=\"llama\"} 5",
        "modelbroker_qos_active_sockets{model=\"llama\",direction=\"responses\"} 4",
        "modelbroker_qos_share_bytes_per_second{model=\"llama\",direction=\"requests\"} 16",
        "modelbroker_qos_connect_refusals_total{model=\"llama\",client=\"checkout\",reason=\"connect-rate\"} 8",
        "modelbroker_qos_connect_refusals_total{model=\"llama\",client=\"\",reason=\"access\"} 9",
        "modelbroker_direct_requests_total{model=\"llama\",client=\"\"} 30",
        "modelbroker_direct_responses_total{model=\"llama\",client=\"\",class=\"2xx\"} 28",
        "modelbroker_direct_responses_total{model=\"llama\",client=\"\",class=\"other\"} 0",
        "modelbroker_direct_first_byte_seconds_total{model=\"llama\",client=\"\"} 0.003",
        "modelbroker_endpoint_usable{model=\"llama\",endpoint=\"10.0.0.1:8000\"} 1",
        "modelbroker_endpoint_open_connections{model=\"llama\",endpoint=\"10.0.0.1:8000\"} 3",
    ])
    func shows(line: String) {
        var page = MetricsPage()
        page.governed = Self.page
        #expect(page.render().text.split(separator: "\n").contains { $0 == line })
    }

    /// What is not limited and has counted nothing says nothing.
    @Test func leavesOutWhatIsNotThere() {
        var text = PrometheusText()
        Self.page.render(&text)
        #expect(!text.text.contains("kind=\"tokens\""))
        #expect(!text.text.contains("level{model=\"llama\",kind=\"connects\"}"))
        #expect(!MetricsPage().render().text.contains("modelbroker_qos"))
    }
}
