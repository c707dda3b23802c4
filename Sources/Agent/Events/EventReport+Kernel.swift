private import Catalog
internal import Control
internal import KernelPlane

extension EventReport {
    /// A connect() that did not go where its rule would have sent it, or met a limit.
    init(_ event: KernelEvent, _ names: NodeNames, time: String) {
        let origin = event.origin
        let isLimit = event.kind == .limited
        let caller = names.caller(origin.cgroup)
        self.init(
            time: time, kind: Kind(event.kind), model: names.model(origin.model), client: names.client(origin.client),
            pid: origin.pid, workload: caller.workload, pod: caller.pod, serviceAccount: caller.serviceAccount,
            address: origin.dialled.description, rule: names.rule(origin.rule), reason: event.reason?.text,
            observed: isLimit ? event.observed : nil, detail: origin.command.isEmpty ? nil : origin.command)
    }
}

extension EventReport.Kind {
    fileprivate init(_ kind: KernelEvent.Kind) {
        switch kind {
        case .denied: self = .connectDenied
        case .refused: self = .connectRefused
        case .direct: self = .connectDirect
        case .limited: self = .limited
        }
    }
}
