/// One line of the audit file: who changed what by hand.
package struct AuditRecord: Hashable, Sendable, Codable {
    package enum Action: String, Hashable, Sendable, Codable {
        case qosSet = "qos-set"
        case qosReset = "qos-reset"
        case endpointDrain = "endpoint-drain"
        case endpointEnable = "endpoint-enable"
        case endpointStart = "endpoint-start"
        case endpointStop = "endpoint-stop"
        case poolRotate = "pool-rotate"
        case quotaReset = "quota-reset"
        case keyNew = "key-new"
        case keyRevoke = "key-revoke"
        case proxyRestart = "proxy-restart"
    }

    /// RFC 3339 in UTC with milliseconds.
    package var time: String
    package var action: Action
    package var uid: UInt32
    /// Who logged in, as the kernel's audit knows it, whatever user they became since; nil: nobody did.
    package var loginUid: UInt32?
    package var pid: Int32
    /// What was changed: a model's entry, a server, or a pool (or model) by name; the others are nil.
    package var model: String?
    package var url: String?
    package var name: String?
    /// Of a key its id, and whose it is; of quotas whose they are, nil: everybody's, or those of a model.
    package var key: String?
    package var client: String?
    /// Of the model's entry behind the change.
    package var version: UInt64?
    /// Empty: it was so already.
    package var changes: [String: QoSChangeReport.Item]

    package init(
        time: String, action: Action, uid: UInt32, loginUid: UInt32?, pid: Int32, model: String? = nil, url: String? = nil,
        name: String? = nil, key: String? = nil, client: String? = nil, version: UInt64? = nil,
        changes: [String: QoSChangeReport.Item]
    ) {
        self.time = time
        self.action = action
        self.uid = uid
        self.loginUid = loginUid
        self.pid = pid
        self.model = model
        self.url = url
        self.name = name
        self.key = key
        self.client = client
        self.version = version
        self.changes = changes
    }
}
