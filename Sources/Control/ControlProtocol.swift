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
    /// Answered by `[CaptureReport]`.
    case captures
    /// Answered by `[ClientReport]`.
    case clients
    /// A model's entry was changed by hand; answered by an `Acknowledgement` once it is an event.
    case qosChanged(QoSNotice)
    /// Answered by one `EventReport` a line: the last `last` ones, then, with `follow`, each as it happens.
    /// Without `follow` the agent closes the connection behind the last line.
    case events(follow: Bool, last: Int)
    /// Answered by a `DetachReport` before the agent unpins, stops the proxy and exits.
    case detach
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

extension ControlRequest: Codable {
    private enum Key: String, CodingKey { case command, name, model, client, follow, last, notice }
    private enum Command: String, Codable {
        case status, models, model, flows, captures, clients, events, detach, reload
        case qosChanged = "qos-changed"
    }

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        switch try fields.decode(Command.self, forKey: .command) {
        case .status: self = .status
        case .models: self = .models
        case .model: self = .model(name: try fields.decode(String.self, forKey: .name))
        case .flows:
            self = .flows(
                model: try fields.decodeIfPresent(String.self, forKey: .model),
                client: try fields.decodeIfPresent(String.self, forKey: .client))
        case .captures: self = .captures
        case .clients: self = .clients
        case .qosChanged: self = .qosChanged(try fields.decode(QoSNotice.self, forKey: .notice))
        case .events:
            self = .events(
                follow: try fields.decodeIfPresent(Bool.self, forKey: .follow) ?? false,
                last: max(0, try fields.decodeIfPresent(Int.self, forKey: .last) ?? 0))
        case .detach: self = .detach
        case .reload: self = .reload
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: Key.self)
        try fields.encode(command, forKey: .command)
        switch self {
        case .model(let name): try fields.encode(name, forKey: .name)
        case .flows(let model, let client):
            try fields.encodeIfPresent(model, forKey: .model)
            try fields.encodeIfPresent(client, forKey: .client)
        case .events(let follow, let last):
            try fields.encode(follow, forKey: .follow)
            try fields.encode(last, forKey: .last)
        case .qosChanged(let notice): try fields.encode(notice, forKey: .notice)
        case .status, .models, .captures, .clients, .detach, .reload: break
        }
    }

    private var command: Command {
        switch self {
        case .status: .status
        case .models: .models
        case .model: .model
        case .flows: .flows
        case .captures: .captures
        case .clients: .clients
        case .qosChanged: .qosChanged
        case .events: .events
        case .detach: .detach
        case .reload: .reload
        }
    }
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
