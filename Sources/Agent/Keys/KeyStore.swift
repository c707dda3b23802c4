internal import Catalog
internal import Control
internal import Logging
private import Synchronization

/// The keys that were made with `key new`, in memory and in their file, in step.
final class KeyStore: Sendable {
    private let file: KeyFile
    private let state: Mutex<State>

    private struct State {
        var keys: [ManagedKey]
        /// What is wrong with the file; nothing is written over one that could not be read.
        var fault: String?
    }

    /// Reads the file. One that can't be used is said and put aside: its keys are not in force until somebody has looked.
    init(file: KeyFile, logger: Logger, now: UInt64 = Clocks.epochSeconds()) {
        self.file = file
        switch file.read(now: now) {
        case .keys(let keys): state = Mutex(State(keys: keys))
        case .unusable(let reason, let aside):
            state = Mutex(State(keys: [], fault: aside == nil ? reason : nil))
            logger.error(
                "the keys made by hand are not in force",
                metadata: ["reason": "\(reason)", "kept": "\(aside ?? file.path)"])
        }
    }

    var keys: [ManagedKey] { state.withLock { $0.keys } }

    /// Keeps a key.
    ///
    /// - Parameter catalog: in force.
    /// - Throws: when it can't be, or could not be made to last; then nothing has changed.
    func add(_ request: KeyRequest, _ catalog: Catalog) throws(AgentError) -> ManagedKey {
        let key = try request.key()
        guard catalog.clients.contains(where: { $0.name == request.client }) else {
            throw AgentError("there is no client \(request.client)")
        }
        guard !catalog.clients.contains(where: { $0.keys.contains { $0.id == key.id } }) else {
            throw AgentError("the configuration has a key \(key.id)")
        }
        let managed = ManagedKey(client: request.client, key: key)
        try change { (keys) throws(AgentError) in
            guard !keys.contains(where: { $0.key.id == key.id }) else { throw AgentError("there is a key \(key.id) already") }
            guard keys.count < KeyFile.maximumKeys else { throw AgentError("\(keys.count) keys are the most; revoke some") }
            keys.append(managed)
        }
        return managed
    }

    /// Forgets a key, also one whose client is gone.
    ///
    /// - Throws: when there is none of that id, or it could not be made to last; then nothing has changed.
    func revoke(_ id: String) throws(AgentError) -> ManagedKey {
        var revoked: ManagedKey?
        try change { (keys) throws(AgentError) in
            guard let position = keys.firstIndex(where: { $0.key.id == id }) else {
                throw AgentError("no key \(id) was made with key new")
            }
            revoked = keys.remove(at: position)
        }
        guard let revoked else { throw AgentError("no key \(id) was made with key new") }
        return revoked
    }

    private func change(_ body: (inout [ManagedKey]) throws(AgentError) -> Void) throws(AgentError) {
        try state.withLock { (state) throws(AgentError) in
            if let fault = state.fault { throw AgentError("\(fault); nothing is written over it") }
            var keys = state.keys
            try body(&keys)
            try file.write(keys)
            state.keys = keys
        }
    }
}

extension KeyReport {
    /// - Parameter now: seconds since 1970.
    init(_ key: APIKey, of client: String, source: String, isOrphaned: Bool = false, now: Int64) {
        let state =
            if isOrphaned { "orphaned" } else if let end = key.expires, end <= now {
                "expired"
            } else if let start = key.notBefore,
                start > now
            { "early" } else { "active" }
        self.init(
            id: key.id, client: client, source: source, notBefore: key.notBefore.map(Self.moment),
            expires: key.expires.map(Self.moment), state: state)
    }

    private static func moment(_ seconds: Int64) -> String { Timestamp.text(seconds: Int(seconds), milliseconds: 0) }

    /// Every key: those of the configuration first.
    static func all(_ catalog: Catalog, _ managed: [ManagedKey], now: Int64) -> [KeyReport] {
        let names = Set(catalog.clients.map(\.name))
        let configured = catalog.clients.flatMap { client in
            client.keys.map { KeyReport($0, of: client.name, source: "configuration", now: now) }
        }
        return configured
            + managed.map {
                KeyReport($0.key, of: $0.client, source: "managed", isOrphaned: !names.contains($0.client), now: now)
            }
    }
}
