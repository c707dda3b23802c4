/// What the CLI asks of the agent: one JSON object on a line of its own, `{"command":"status"}`.
package enum ControlRequest: Hashable, Sendable {
    /// Answered by a `StatusReport`.
    case status
    /// Answered by `[ModelReport]`.
    case models
    /// Answered by a `ModelReport`, or a failure when nobody knows the name.
    case model(name: String)
    /// Answered by `[FlowReport]`; nil: whatever the model or the client is.
    case flows(model: String?, client: String?)
    /// Answered by `[EndpointReport]`: each server of each model, at each address.
    case endpoints
    /// Send no new requests to the server at this URL, whichever models it has, until it is enabled; answered by a
    /// `DrainReport`, or a failure when nothing has that URL. Survives a reload, and a restart of either process.
    /// `uid`, here and below: who wants it, for the event; nil: it is not said.
    case drain(url: String, uid: UInt32? = nil)
    case enable(url: String, uid: UInt32? = nil)
    /// Start the server of an endpoint on demand, or stop it once its requests have ended; answered by an `EngineReport` when
    /// that is under way, or a failure when nothing with that URL is on demand.
    case startEngine(url: String, uid: UInt32? = nil)
    case stopEngine(url: String, uid: UInt32? = nil)
    /// The last lines that a supervised engine wrote; answered by an `EngineLog`. `name`: the endpoint's URL, or a model's
    /// name.
    case engineLog(name: String, last: Int)
    /// Answered by `[GroupReport]`.
    case groups
    /// Answered by a `GroupReport`, or a failure when there is no such group.
    case group(name: String)
    /// Answered by `[QueueReport]`: of each model, each group that has, or had, something there.
    case queues
    /// Answered by `[PoolReport]`.
    case pools
    /// Answered by a `PoolReport`, or a failure when there is no such pool.
    case pool(name: String)
    /// Move a pool, or a model, away from the endpoint that it prefers now; answered by a `RotationReport`.
    case rotate(name: String, uid: UInt32? = nil)
    /// Answered by `[CapabilityReport]`.
    case capabilities
    /// Answered by an `ExplainReport`.
    case explain(ExplainRequest)
    /// Answered by `[CaptureReport]`.
    case captures
    /// Answered by `[ClientReport]`.
    case clients
    /// Answered by a `ClientReport`, or a failure when there is no such client.
    case client(name: String)
    /// Answered by `[QuotaReport]`.
    case quotas(QuotaSelection)
    /// Sets what was used back to nothing; answered by `[QuotaReport]`: those that were, as they are now.
    case resetQuotas(QuotaSelection, uid: UInt32? = nil)
    /// Answered by `[KeyReport]`: of every key, of the configuration and made by hand.
    case keys
    /// Keep a key that was made for a client; answered by a `KeyReport` once it is in force.
    case addKey(KeyRequest)
    /// Forget a key that was made by hand; answered by its `KeyReport`, once nobody gets in with it any more.
    case revokeKey(id: String, uid: UInt32? = nil)
    /// A model's entry was changed by hand; answered by an `Acknowledgement` once it is an event.
    case qosChanged(QoSNotice)
    /// Answered by one `EventReport` a line: the last `last` ones, then, with `follow`, each as it happens.
    /// Without `follow` the agent closes the connection behind the last line. Events of a level below `level` are left out.
    case events(follow: Bool, last: Int, level: EventLevel)
    /// Answered by a `DetachReport` before the agent unpins, stops the proxy and exits.
    case detach
    /// Start a new proxy, and put it in the place of the one that serves; answered by a `ReplacementReport` once it serves,
    /// or has been given up, or a failure when the proxy can't be replaced now.
    case replaceProxy(uid: UInt32? = nil)
    /// Answered by a `ReloadReport` when the configuration is in force, or has been refused.
    case reload
}

/// The agent's answer: `{"ok":true,"data":…}` or `{"ok":false,"error":"…"}`, one object a line.
package enum ControlResponse<Payload> {
    case success(Payload)
    /// A sentence for people.
    case failure(String)
}

extension ControlResponse: Sendable where Payload: Sendable {}
extension ControlResponse: Equatable where Payload: Equatable {}

/// What the agent says before it takes itself away.
package struct DetachReport: Hashable, Sendable, Codable {
    /// The process to wait for.
    package var pid: Int32

    package init(pid: Int32) { self.pid = pid }
}

private enum ResponseKey: String, CodingKey { case ok, data, error }

extension ControlResponse: Encodable where Payload: Encodable {
    package func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: ResponseKey.self)
        switch self {
        case .success(let payload):
            try fields.encode(true, forKey: .ok)
            try fields.encode(payload, forKey: .data)
        case .failure(let message):
            try fields.encode(false, forKey: .ok)
            try fields.encode(message, forKey: .error)
        }
    }
}

extension ControlResponse: Decodable where Payload: Decodable {
    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: ResponseKey.self)
        if try fields.decode(Bool.self, forKey: .ok) {
            self = .success(try fields.decode(Payload.self, forKey: .data))
        } else {
            self = .failure(try fields.decode(String.self, forKey: .error))
        }
    }
}
