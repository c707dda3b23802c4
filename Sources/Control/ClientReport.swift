package import Catalog
package import Telemetry

/// A client of the configuration, with the number by which the kernel knows it.
package struct ClientReport: Hashable, Sendable, Codable {
    /// What a client may call, or may not.
    package struct Access: Hashable, Sendable, Codable {
        package var names: [String]
        package var operations: [String]
        /// `mon-fri 08:00-18:00`; empty: at all times.
        package var times: [String]
        /// nil: it has none.
        package var rule: String?

        package init(_ rule: AccessRule) {
            names = rule.names
            operations = Operation.allCases.filter { rule.operations.contains($0) }.map(\.text)
            times = rule.times.map(\.text)
            self.rule = rule.name.isEmpty ? nil : rule.name
        }
    }

    /// Counted by the proxy since it started.
    package struct Activity: Hashable, Sendable, Codable {
        package var requests: UInt64
        package var active: UInt64
        /// By reason: `access`, `rate`, `tokens`, `concurrency`, `quota`, `other`.
        package var refused: [String: UInt64]
        package var inputTokens: UInt64
        package var outputTokens: UInt64
        /// Millionths of the currency.
        package var cost: UInt64

        package init(_ counters: ClientCounters) {
            requests = counters.requests
            active = counters.active
            refused = [
                "access": counters.accessRefused, "rate": counters.rateRefused, "tokens": counters.tokenRefused,
                "concurrency": counters.concurrencyRefused, "quota": counters.quotaRefused, "other": counters.otherRefused,
            ]
            inputTokens = counters.inputTokens
            outputTokens = counters.outputTokens
            cost = counters.cost
        }
    }

    /// 1 + position in the configuration.
    package var number: UInt32
    package var name: String
    package var workloads: [String]
    /// Pods that are it, in words; nil: the agent does not say.
    package var pods: [String]?
    /// nil: every public model.
    package var allow: [Access]?
    package var deny: [Access]
    package var keys: [KeyReport]
    /// Issuers whose tokens may be its, and patterns of its certificates.
    package var issuers: [String]
    package var certificates: [String]
    /// Callers that prove nothing are this client.
    package var isAnonymous: Bool
    package var limits: [LimitReport]
    package var quotas: [QuotaReport]
    /// nil: the proxy does not say.
    package var activity: Activity?
    /// Its service group; nil: the agent does not say.
    package var group: String?

    package init(
        _ client: Client, number: UInt32, keys: [KeyReport] = [], isAnonymous: Bool = false, limits: [LimitReport] = [],
        quotas: [QuotaReport] = [], activity: Activity? = nil
    ) {
        self.number = number
        name = client.name
        workloads = client.workloads
        pods = client.pods.isEmpty ? nil : client.pods.map(\.text)
        allow = client.allow.map { $0.map(Access.init) }
        deny = client.deny.map(Access.init)
        self.keys = keys
        issuers = Set(client.tokens.map(\.issuer)).sorted()
        certificates = client.certificates
        self.isAnonymous = isAnonymous
        self.limits = limits
        self.quotas = quotas
        self.activity = activity
        group = client.group
    }
}

/// A limit that is not a quota, and how much of it is left now.
package struct LimitReport: Hashable, Sendable, Codable {
    /// nil: of all models together.
    package var model: String?
    /// `requests`, `tokens`, `input-tokens`, `output-tokens`, `concurrent`, `request-bytes`, `tokens-per-request`; with
    /// `session.` or `address.` before it where each of these has its own.
    package var kind: String
    /// As the configuration has it: `100/s`, `20`.
    package var limit: String
    /// Units that may come at once now; nil: not known, or every session or address has its own.
    package var left: UInt64?
    package var admitted: UInt64?
    package var refused: UInt64?

    package init(
        model: String? = nil, kind: String, limit: String, left: UInt64? = nil, admitted: UInt64? = nil, refused: UInt64? = nil
    ) {
        self.model = model
        self.kind = kind
        self.limit = limit
        self.left = left
        self.admitted = admitted
        self.refused = refused
    }
}

/// A quota, and how much of it is used.
package struct QuotaReport: Hashable, Sendable, Codable {
    /// nil: the model's own; the client's of all models. One of them is there.
    package var client: String?
    package var model: String?
    /// `day`, `month`.
    package var period: String
    /// `requests`, `tokens`, `cost`; of cost all numbers are millionths of the currency.
    package var unit: String
    package var limit: UInt64
    package var used: UInt64
    package var alertAt: UInt8
    package var onExhausted: String
    /// When the period ends, RFC 3339.
    package var resets: String

    package init(
        client: String? = nil, model: String? = nil, period: String, unit: String, limit: UInt64, used: UInt64, alertAt: UInt8,
        onExhausted: String, resets: String
    ) {
        self.client = client
        self.model = model
        self.period = period
        self.unit = unit
        self.limit = limit
        self.used = used
        self.alertAt = alertAt
        self.onExhausted = onExhausted
        self.resets = resets
    }
}

/// An API key, without the key.
package struct KeyReport: Hashable, Sendable, Codable {
    package var id: String
    package var client: String
    /// `configuration`, or `managed`: made with `key new`.
    package var source: String
    /// RFC 3339; nil: from, or to, all times.
    package var notBefore: String?
    package var expires: String?
    /// `active`, `early`, `expired`, or `orphaned`: its client is not in the configuration.
    package var state: String

    package init(
        id: String, client: String, source: String, notBefore: String? = nil, expires: String? = nil, state: String
    ) {
        self.id = id
        self.client = client
        self.source = source
        self.notBefore = notBefore
        self.expires = expires
        self.state = state
    }
}

/// A key to be kept: the CLI makes it, and the agent never sees it.
package struct KeyRequest: Hashable, Sendable, Codable {
    package var client: String
    package var id: String
    /// Hexadecimal digits.
    package var salt: String
    package var digest: String
    /// Seconds since 1970.
    package var notBefore: Int64?
    package var expires: Int64?
    package var uid: UInt32?

    package init(
        client: String, id: String, salt: String, digest: String, notBefore: Int64? = nil, expires: Int64? = nil,
        uid: UInt32? = nil
    ) {
        self.client = client
        self.id = id
        self.salt = salt
        self.digest = digest
        self.notBefore = notBefore
        self.expires = expires
        self.uid = uid
    }
}

/// Which quotas to look at, or to set back to nothing used; nil: whatever it is.
package struct QuotaSelection: Hashable, Sendable, Codable {
    package var client: String?
    package var model: String?
    /// `day`, `month`.
    package var period: String?

    package init(client: String? = nil, model: String? = nil, period: String? = nil) {
        self.client = client
        self.model = model
        self.period = period
    }
}
