internal import Catalog

/// How much of what happens somebody wants to see.
package enum EventLevel: String, Hashable, Sendable, Codable, CaseIterable {
    /// Each decision of the router, too.
    case debug
    case info
}

/// Something that happened, as `modelbroker events` shows it.
package struct EventReport: Hashable, Sendable, Codable {
    /// Open, so that a CLI can show the kinds of an agent newer than itself.
    package struct Kind: RawRepresentable, Hashable, Sendable, Codable {
        package let rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }

        // From the kernel: a connect() that a rule denied, and what became of one while no proxy listened.
        package static let connectDenied = Kind(rawValue: "connect-denied")
        package static let connectRefused = Kind(rawValue: "connect-refused")
        package static let connectDirect = Kind(rawValue: "connect-direct")
        // Also from the kernel: a connect() that a model's entry refused, or in observe mode would have.
        package static let limited = Kind(rawValue: "limited")
        // From the proxy.
        package static let unknownModel = Kind(rawValue: "unknown-model")
        package static let opaque = Kind(rawValue: "opaque")
        package static let withoutOrigin = Kind(rawValue: "without-origin")
        package static let endpointFailed = Kind(rawValue: "endpoint-failed")
        package static let refused = Kind(rawValue: "refused")
        package static let broken = Kind(rawValue: "broken")
        package static let endpointStandby = Kind(rawValue: "endpoint-standby")
        package static let endpointActive = Kind(rawValue: "endpoint-active")
        package static let decision = Kind(rawValue: "decision")
        package static let poolExhausted = Kind(rawValue: "pool-exhausted")
        package static let authenticationFailed = Kind(rawValue: "authentication-failed")
        package static let identityConflict = Kind(rawValue: "identity-conflict")
        // From the agent itself.
        package static let proxyStarted = Kind(rawValue: "proxy-started")
        package static let proxyAdopted = Kind(rawValue: "proxy-adopted")
        package static let proxyExited = Kind(rawValue: "proxy-exited")
        // The proxy was replaced, or was to be and serves on; one that was replaced has ended.
        package static let proxyReplaced = Kind(rawValue: "proxy-replaced")
        package static let proxyKept = Kind(rawValue: "proxy-kept")
        package static let proxyDrained = Kind(rawValue: "proxy-drained")
        package static let reloaded = Kind(rawValue: "reloaded")
        package static let reloadFailed = Kind(rawValue: "reload-failed")
        // Something is wrong with the tree of `node.qdisc`.
        package static let qdisc = Kind(rawValue: "qdisc")
        // An endpoint stopped or started to answer the agent's probes.
        package static let endpointDown = Kind(rawValue: "endpoint-down")
        package static let endpointUp = Kind(rawValue: "endpoint-up")
        // A model's entry was changed by hand, a server drained or enabled, a pool moved on.
        package static let qosChanged = Kind(rawValue: "qos-changed")
        package static let endpointDrained = Kind(rawValue: "endpoint-drained")
        package static let endpointEnabled = Kind(rawValue: "endpoint-enabled")
        package static let rotated = Kind(rawValue: "rotated")
        // An endpoint that is asked which models it has got one, or lost one.
        package static let modelFound = Kind(rawValue: "model-found")
        package static let modelLost = Kind(rawValue: "model-lost")
        // A quota has come to the percentage that its owner wants to hear of, or to its end, or was set back by hand.
        package static let quotaAlert = Kind(rawValue: "quota-alert")
        package static let quotaExhausted = Kind(rawValue: "quota-exhausted")
        package static let quotaReset = Kind(rawValue: "quota-reset")
        package static let keyCreated = Kind(rawValue: "key-created")
        package static let keyRevoked = Kind(rawValue: "key-revoked")
        // What was used can't be written down any more, or can again.
        package static let accountingStopped = Kind(rawValue: "accounting-stopped")
        package static let accountingResumed = Kind(rawValue: "accounting-resumed")
        // A key set or a certificate can't be had, or read: the last good one stays; it is well again.
        package static let credentialsStale = Kind(rawValue: "credentials-stale")
        package static let credentialsRenewed = Kind(rawValue: "credentials-renewed")
        // The server of an endpoint on demand: on its way, ready, told to end, gone as it should; it did not get ready, or went
        // as it should not.
        package static let engineStarting = Kind(rawValue: "engine-starting")
        package static let engineReady = Kind(rawValue: "engine-ready")
        package static let engineStopping = Kind(rawValue: "engine-stopping")
        package static let engineStopped = Kind(rawValue: "engine-stopped")
        package static let engineFailed = Kind(rawValue: "engine-failed")
        package static let engineCrashed = Kind(rawValue: "engine-crashed")
        // The cluster's API server cannot be used: what was last known stays; it is followed.
        package static let kubernetesAway = Kind(rawValue: "kubernetes-away")
        package static let kubernetesSynced = Kind(rawValue: "kubernetes-synced")
        // Audit lines were dropped, or their sink can't be written to.
        package static let auditFailed = Kind(rawValue: "audit-failed")
    }

    /// RFC 3339 in UTC with milliseconds: `2026-11-19T08:15:30.123Z`.
    package var time: String
    package var kind: Kind
    /// nil, here and below: it does not apply.
    package var model: String?
    package var client: String?
    package var pid: UInt32?
    /// As in `FlowReport`.
    package var workload: String?
    /// The pod that the workload belongs to: `namespace/name`.
    package var pod: String?
    /// The pod's.
    package var serviceAccount: String?
    package var address: String?
    /// The capture rule's name.
    package var rule: String?
    /// Of `limited`: which part of the model's entry, and whether it only observes, so that the connect was let pass. Of
    /// `refused`: the limit, or the error's code. Of an endpoint's turn: why it gets no requests, as `StandbyReason.text` has
    /// it.
    package var reason: String?
    package var observed: Bool?
    package var detail: String?

    package init(
        time: String, kind: Kind, model: String? = nil, client: String? = nil, pid: UInt32? = nil, workload: String? = nil,
        pod: String? = nil, serviceAccount: String? = nil, address: String? = nil, rule: String? = nil, reason: String? = nil,
        observed: Bool? = nil, detail: String? = nil
    ) {
        self.time = time
        self.kind = kind
        self.model = model
        self.client = client
        self.pid = pid
        self.workload = workload
        self.pod = pod
        self.serviceAccount = serviceAccount
        self.address = address
        self.rule = rule
        self.reason = reason
        self.observed = observed
        self.detail = detail
    }

    package init(
        _ event: ProxyEvent, time: String, workload: String?, pod: String? = nil, serviceAccount: String? = nil
    ) {
        self.init(
            time: time, kind: Kind(event.kind), model: event.model.nonEmpty, client: event.client.nonEmpty,
            pid: event.pid == 0 ? nil : event.pid, workload: workload, pod: pod, serviceAccount: serviceAccount,
            address: event.address?.description, reason: event.reason.nonEmpty, detail: event.detail.nonEmpty)
    }

    package init(_ notice: QoSNotice, time: String) {
        self.init(time: time, kind: .qosChanged, model: notice.model, detail: Self.change(notice.change, by: notice.uid))
    }

    /// The detail of a change by hand, beginning with who made it; nil: it is not known.
    package static func change(_ change: String, by uid: UInt32?) -> String {
        "by \(uid.map { "uid \($0)" } ?? "hand"): \(change)"
    }
}

extension EventReport.Kind {
    /// Who asks for that level or one below it gets the event.
    package var level: EventLevel { self == .decision ? .debug : .info }

    package init(_ kind: ProxyEvent.Kind) {
        switch kind {
        case .unknownModel: self = .unknownModel
        case .opaque: self = .opaque
        case .withoutOrigin: self = .withoutOrigin
        case .endpointFailed: self = .endpointFailed
        case .refused: self = .refused
        case .broken: self = .broken
        case .endpointStandby: self = .endpointStandby
        case .endpointActive: self = .endpointActive
        case .decision: self = .decision
        case .poolExhausted: self = .poolExhausted
        case .authenticationFailed: self = .authenticationFailed
        case .identityConflict: self = .identityConflict
        }
    }
}

extension String {
    fileprivate var nonEmpty: String? { isEmpty ? nil : self }
}
