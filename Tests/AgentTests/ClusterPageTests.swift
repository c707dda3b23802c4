import Configuration
import Kubernetes
import Telemetry
import Testing

@testable import Agent

@Suite struct ClusterPageTests {
    private func state(_ condition: ReflectorCondition, since: UInt64, _ names: String...) -> ClusterState {
        ClusterState(
            server: "https://a", node: "n1",
            resources: names.map { .init(name: $0, condition: condition, objects: $0.utf8.count) }, since: since)
    }

    private func samples(_ page: ClusterPage) -> [String] {
        var text = PrometheusText()
        page.render(&text)
        return text.text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init)
    }

    @Test func withoutAClusterNothingIsSaid() { #expect(samples(ClusterPage()).isEmpty) }

    @Test func allThatIsFollowedHasToBeSynced() {
        var page = ClusterPage(states: [state(.synced, since: 5_999, "pods"), state(.synced, since: 7_000, "models")])
        #expect(
            samples(page) == [
                "modelbroker_kubernetes_synced 1", "modelbroker_kubernetes_changed_timestamp_seconds 7",
                "modelbroker_kubernetes_watch_synced{resource=\"pods\"} 1",
                "modelbroker_kubernetes_watch_synced{resource=\"models\"} 1",
                "modelbroker_kubernetes_objects{resource=\"pods\"} 4", "modelbroker_kubernetes_objects{resource=\"models\"} 6",
            ])
        page.states += [state(.away(reason: "no"), since: 9_000, "a"), state(.starting, since: 8_000, "b")]
        #expect(
            samples(page).filter { $0.hasSuffix(" 0") || $0.contains("changed") } == [
                "modelbroker_kubernetes_synced 0", "modelbroker_kubernetes_changed_timestamp_seconds 8",
                "modelbroker_kubernetes_watch_synced{resource=\"a\"} 0", "modelbroker_kubernetes_watch_synced{resource=\"b\"} 0",
            ])
    }

    @Test func resourcesAreCountedByWhatBecameOfThem() {
        let page = ClusterPage(verdicts: [
            ResourceKey(.model, "a"): .accepted, ResourceKey(.model, "b"): .refused(.invalid, "x"),
            ResourceKey(.pool, "c"): .refused(.conflict, "y"),
        ])
        let samples = samples(page)
        #expect(samples.count == 2 * ResourceKind.allCases.count)
        for line in [
            "{kind=\"Model\",outcome=\"accepted\"} 1", "{kind=\"Model\",outcome=\"refused\"} 1",
            "{kind=\"Pool\",outcome=\"accepted\"} 0", "{kind=\"Pool\",outcome=\"refused\"} 1",
            "{kind=\"QoSClaim\",outcome=\"refused\"} 0",
        ] { #expect(samples.contains("modelbroker_kubernetes_resources\(line)")) }
    }
}
