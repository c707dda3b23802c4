internal import Catalog

/// One connection of a caller, with the names of what its numbers mean.
package struct FlowReport: Hashable, Sendable, Codable {
    package var id: UInt64
    /// `capture` or `gateway`.
    package var entrance: String
    /// A case of `FlowRecord.State`: `idle`, `streaming`, …
    package var state: String
    /// The caller as the kernel attested it; nil for the gateway.
    package var pid: UInt32?
    package var uid: UInt32?
    package var command: String
    /// The cgroup's path below the cgroup v2 mount, `cgroup:ID` when it is gone, empty for the gateway.
    package var workload: String
    /// The pod that the workload belongs to, `namespace/name`, and which of its containers; nil: none that is known.
    package var pod: String?
    package var container: String?
    /// The pod's.
    package var serviceAccount: String?
    package var cgroup: UInt64
    package var netnsCookie: UInt64
    package var caller: String
    /// The address that the caller dialled; for the gateway, the listener's.
    package var dialled: String
    /// The capture rule's name; nil for the gateway.
    package var rule: String?
    package var client: String
    package var model: String
    /// The endpoint's address; nil: not chosen yet.
    package var endpoint: String?
    package var requests: UInt64
    package var bytesIn: UInt64
    package var bytesOut: UInt64
    package var ageMilliseconds: UInt64

    /// - Parameters:
    ///   - workload: the path of `record.cgroup`, or `FlowReport.gone(record.cgroup)`.
    ///   - pod: whose cgroup that is, `container`: which of its containers, and `serviceAccount`: the pod's.
    ///   - rule: the name of `record.rule`; ignored for the gateway.
    package init(
        _ record: FlowRecord, workload: String, pod: String? = nil, container: String? = nil, serviceAccount: String? = nil,
        rule: String?
    ) {
        let captured = record.entrance == .capture
        id = record.id
        entrance = String(describing: record.entrance)
        state = String(describing: record.state)
        pid = captured ? record.pid : nil
        uid = captured ? record.uid : nil
        command = record.command
        self.workload = captured ? workload : ""
        self.pod = captured ? pod : nil
        self.container = captured ? container : nil
        self.serviceAccount = captured ? serviceAccount : nil
        cgroup = record.cgroup
        netnsCookie = record.netnsCookie
        caller = record.caller.description
        dialled = record.dialled.description
        self.rule = captured ? rule : nil
        client = record.client
        model = record.model
        endpoint = record.endpoint?.description
        requests = record.requests
        bytesIn = record.bytesIn
        bytesOut = record.bytesOut
        ageMilliseconds = record.ageMilliseconds
    }

    /// Who calls, in a table: the pod, or else the workload.
    package var origin: String { pod ?? workload }

    /// What stands for the path of a cgroup that is gone.
    package static func gone(_ cgroup: UInt64) -> String { "cgroup:\(cgroup)" }
}
