extension ControlRequest: Codable {
    private enum Key: String, CodingKey {
        case command, name, model, client, url, uid, follow, last, level, notice, request, selection, key, id
    }
    private enum Command: String, Codable {
        case status, models, model, flows, captures, clients, events, detach, reload
        case endpoints, drain, enable, pools, pool, rotate, capabilities, explain
        case qosChanged = "qos-changed"
        case client, quotas, keys
        case resetQuotas = "reset-quotas"
        case addKey = "add-key"
        case revokeKey = "revoke-key"
        case groups, group, queues
        case startEngine = "start-engine"
        case stopEngine = "stop-engine"
        case engineLog = "engine-log"
        case replaceProxy = "replace-proxy"
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
        case .endpoints: self = .endpoints
        case .drain:
            self = .drain(
                url: try fields.decode(String.self, forKey: .url), uid: try fields.decodeIfPresent(UInt32.self, forKey: .uid))
        case .enable:
            self = .enable(
                url: try fields.decode(String.self, forKey: .url), uid: try fields.decodeIfPresent(UInt32.self, forKey: .uid))
        case .startEngine:
            self = .startEngine(
                url: try fields.decode(String.self, forKey: .url), uid: try fields.decodeIfPresent(UInt32.self, forKey: .uid))
        case .stopEngine:
            self = .stopEngine(
                url: try fields.decode(String.self, forKey: .url), uid: try fields.decodeIfPresent(UInt32.self, forKey: .uid))
        case .engineLog:
            self = .engineLog(
                name: try fields.decode(String.self, forKey: .name),
                last: max(0, try fields.decodeIfPresent(Int.self, forKey: .last) ?? 100))
        case .groups: self = .groups
        case .group: self = .group(name: try fields.decode(String.self, forKey: .name))
        case .queues: self = .queues
        case .pools: self = .pools
        case .pool: self = .pool(name: try fields.decode(String.self, forKey: .name))
        case .rotate:
            self = .rotate(
                name: try fields.decode(String.self, forKey: .name), uid: try fields.decodeIfPresent(UInt32.self, forKey: .uid))
        case .capabilities: self = .capabilities
        case .explain: self = .explain(try fields.decode(ExplainRequest.self, forKey: .request))
        case .captures: self = .captures
        case .clients: self = .clients
        case .client: self = .client(name: try fields.decode(String.self, forKey: .name))
        case .quotas: self = .quotas(try fields.decode(QuotaSelection.self, forKey: .selection))
        case .resetQuotas:
            self = .resetQuotas(
                try fields.decode(QuotaSelection.self, forKey: .selection),
                uid: try fields.decodeIfPresent(UInt32.self, forKey: .uid))
        case .keys: self = .keys
        case .addKey: self = .addKey(try fields.decode(KeyRequest.self, forKey: .key))
        case .revokeKey:
            self = .revokeKey(
                id: try fields.decode(String.self, forKey: .id), uid: try fields.decodeIfPresent(UInt32.self, forKey: .uid))
        case .qosChanged: self = .qosChanged(try fields.decode(QoSNotice.self, forKey: .notice))
        case .events:
            self = .events(
                follow: try fields.decodeIfPresent(Bool.self, forKey: .follow) ?? false,
                last: max(0, try fields.decodeIfPresent(Int.self, forKey: .last) ?? 0),
                level: try fields.decodeIfPresent(EventLevel.self, forKey: .level) ?? .info)
        case .detach: self = .detach
        case .replaceProxy: self = .replaceProxy(uid: try fields.decodeIfPresent(UInt32.self, forKey: .uid))
        case .reload: self = .reload
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: Key.self)
        try fields.encode(command, forKey: .command)
        switch self {
        case .model(let name), .pool(let name), .client(let name), .group(let name): try fields.encode(name, forKey: .name)
        case .replaceProxy(let uid): try fields.encodeIfPresent(uid, forKey: .uid)
        case .rotate(let name, let uid):
            try fields.encode(name, forKey: .name)
            try fields.encodeIfPresent(uid, forKey: .uid)
        case .drain(let url, let uid), .enable(let url, let uid), .startEngine(let url, let uid), .stopEngine(let url, let uid):
            try fields.encode(url, forKey: .url)
            try fields.encodeIfPresent(uid, forKey: .uid)
        case .quotas(let selection): try fields.encode(selection, forKey: .selection)
        case .resetQuotas(let selection, let uid):
            try fields.encode(selection, forKey: .selection)
            try fields.encodeIfPresent(uid, forKey: .uid)
        case .addKey(let key): try fields.encode(key, forKey: .key)
        case .revokeKey(let id, let uid):
            try fields.encode(id, forKey: .id)
            try fields.encodeIfPresent(uid, forKey: .uid)
        case .engineLog(let name, let last):
            try fields.encode(name, forKey: .name)
            try fields.encode(last, forKey: .last)
        case .explain(let request): try fields.encode(request, forKey: .request)
        case .flows(let model, let client):
            try fields.encodeIfPresent(model, forKey: .model)
            try fields.encodeIfPresent(client, forKey: .client)
        case .events(let follow, let last, let level):
            try fields.encode(follow, forKey: .follow)
            try fields.encode(last, forKey: .last)
            // An agent that knows no levels is not asked for one.
            if level != .info { try fields.encode(level, forKey: .level) }
        case .qosChanged(let notice): try fields.encode(notice, forKey: .notice)
        case .status, .models, .endpoints, .pools, .capabilities, .captures, .clients, .keys, .groups, .queues, .detach,
            .reload:
            break
        }
    }

    private var command: Command {
        switch self {
        case .status: .status
        case .models: .models
        case .model: .model
        case .flows: .flows
        case .endpoints: .endpoints
        case .drain: .drain
        case .enable: .enable
        case .startEngine: .startEngine
        case .stopEngine: .stopEngine
        case .engineLog: .engineLog
        case .groups: .groups
        case .group: .group
        case .queues: .queues
        case .pools: .pools
        case .pool: .pool
        case .rotate: .rotate
        case .capabilities: .capabilities
        case .explain: .explain
        case .captures: .captures
        case .clients: .clients
        case .client: .client
        case .quotas: .quotas
        case .resetQuotas: .resetQuotas
        case .keys: .keys
        case .addKey: .addKey
        case .revokeKey: .revokeKey
        case .qosChanged: .qosChanged
        case .events: .events
        case .detach: .detach
        case .reload: .reload
        case .replaceProxy: .replaceProxy
        }
    }
}
