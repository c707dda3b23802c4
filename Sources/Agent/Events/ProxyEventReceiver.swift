internal import Control

/// Takes the proxy's events in.
struct ProxyEventReceiver: Sendable {
    let hub: EventHub
    let names: NodeNames
    let failures: EndpointFailures

    func take(_ event: ProxyEvent) {
        if event.kind == .endpointFailed, let address = event.address { failures.count(address) }
        let caller = event.cgroup == 0 ? nil : names.caller(event.cgroup)
        hub.publish(
            EventReport(
                event, time: Timestamp.now(), workload: caller?.workload, pod: caller?.pod,
                serviceAccount: caller?.serviceAccount), after: event.leftOut)
    }
}
