internal import Control

/// Takes the proxy's events in.
struct ProxyEventReceiver: Sendable {
    let hub: EventHub
    let names: NodeNames
    let failures: EndpointFailures

    func take(_ event: ProxyEvent) {
        if event.kind == .endpointFailed, let address = event.address { failures.count(address) }
        let workload = event.cgroup == 0 ? nil : names.cgroup(event.cgroup) ?? FlowReport.gone(event.cgroup)
        hub.publish(EventReport(event, time: Timestamp.now(), workload: workload), after: event.leftOut)
    }
}
