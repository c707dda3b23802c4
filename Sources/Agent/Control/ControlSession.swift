internal import Control
internal import ControlCoding
private import Glibc
internal import NIOCore

/// One client of the control socket.
struct ControlSession: Sendable {
    typealias Writer = NIOAsyncChannelOutboundWriter<ByteBuffer>

    /// How long a follower that has fallen behind may take to read what is on its way to it.
    private static let lateLimit = TimeAmount.seconds(5)
    /// How long a client may take to read the end of an answer before its connection is closed.
    private static let drainLimit = TimeAmount.seconds(10)

    private let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>
    private let answers: ControlAnswers

    init(_ channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>, _ answers: ControlAnswers) {
        self.channel = channel
        self.answers = answers
    }

    func run() async throws {
        try await channel.executeThenClose { inbound, outbound in
            do {
                for try await line in inbound {
                    guard try await answer(line, outbound) else { break }
                }
            } catch is LineDecoder.TooLong {
                try await fail("a request is at most \(ControlLine.maximumRequest) bytes long", outbound)
            }
            await drain()
        }
    }

    /// For one client too many.
    func turnAway() async throws {
        try await channel.executeThenClose { _, outbound in
            try await fail("too many clients; try again when some are gone", outbound)
            await drain()
        }
    }

    /// False when the connection is to be closed.
    private func answer(_ line: ByteBuffer, _ writer: Writer) async throws -> Bool {
        let request: ControlRequest
        do {
            request = try ControlLine.decode(ControlRequest.self, from: line.readableBytesView)
        } catch {
            try await fail("not a request: \(error)", writer)
            return true
        }
        return try await answer(request, writer)
    }

    private func answer(_ request: ControlRequest, _ writer: Writer) async throws -> Bool {
        switch request {
        case .status: try await write(await answers.status(), writer)
        case .models: try await write(await answers.models(), writer)
        case .model(let name):
            if let model = await answers.models().first(where: { $0.name == name }) {
                try await write(model, writer)
            } else {
                try await fail("nobody knows a model \(name)", writer)
            }
        case .flows(let model, let client): try await flows(model, client, writer)
        case .captures: try await write(await answers.captures(), writer)
        case .clients: try await write(await answers.clients(), writer)
        case .qosChanged(let notice):
            answers.hub.publish(EventReport(notice, time: Timestamp.now()))
            try await write(Acknowledgement(), writer)
        case .reload: try await write(await answers.reload(), writer)
        case .replaceProxy(let uid): try await replaceProxy(uid, writer)
        case .endpoints, .drain, .enable, .pools, .pool, .rotate, .capabilities, .explain:
            try await route(request, writer)
        case .client, .quotas, .resetQuotas, .keys, .addKey, .revokeKey: try await identify(request, writer)
        case .groups, .group, .queues, .startEngine, .stopEngine, .engineLog:
            try await share(request, writer)
        case .events(let follow, let last, let level):
            if follow {
                try await self.follow(last: last, level, writer)
            } else {
                for event in answers.hub.last(last) { try await write(event, writer) }
            }
            return false
        case .detach: return try await detach(writer)
        }
        return true
    }

    private func flows(_ model: String?, _ client: String?, _ writer: Writer) async throws {
        do {
            try await write(try await answers.flows(model, client), writer)
        } catch let error as AgentError {
            try await fail(error.description, writer)
        }
    }

    private func replaceProxy(_ uid: UInt32?, _ writer: Writer) async throws {
        do {
            try await write(try await answers.replaceProxy(uid), writer)
        } catch let error as AgentError {
            try await fail(error.description, writer)
        }
    }

    /// What has to do with pools and endpoints.
    private func route(_ request: ControlRequest, _ writer: Writer) async throws {
        let routing = answers.routing
        do {
            switch request {
            case .endpoints: try await write(await routing.endpoints(), writer)
            case .drain(let url, let uid): try await write(try await routing.drain(url, true, uid), writer)
            case .enable(let url, let uid): try await write(try await routing.drain(url, false, uid), writer)
            case .pools: try await write(await routing.pools(), writer)
            case .pool(let name):
                guard let pool = await routing.pools().first(where: { $0.name == name }) else {
                    throw AgentError("there is no pool \(name)")
                }
                try await write(pool, writer)
            case .rotate(let name, let uid): try await write(try await routing.rotate(name, uid), writer)
            case .capabilities: try await write(await routing.capabilities(), writer)
            case .explain(let request): try await write(try await routing.explain(request), writer)
            default: try await fail("this is no question of routing", writer)
            }
        } catch let error as AgentError {
            try await fail(error.description, writer)
        }
    }

    /// What has to do with clients, their quotas and keys.
    private func identify(_ request: ControlRequest, _ writer: Writer) async throws {
        let identity = answers.identity
        do {
            switch request {
            case .client(let name):
                guard let client = await answers.clients().first(where: { $0.name == name }) else {
                    throw AgentError("there is no client \(name)")
                }
                try await write(client, writer)
            case .quotas(let selection): try await write(try await identity.quotas(selection), writer)
            case .resetQuotas(let selection, let uid):
                try await write(try await identity.reset(selection, uid), writer)
            case .keys: try await write(await identity.keys(), writer)
            case .addKey(let key): try await write(try await identity.addKey(key), writer)
            case .revokeKey(let id, let uid): try await write(try await identity.revokeKey(id, uid), writer)
            default: try await fail("this is no question of clients", writer)
            }
        } catch let error as AgentError {
            try await fail(error.description, writer)
        }
    }

    /// What has to do with groups, queues and servers on demand.
    private func share(_ request: ControlRequest, _ writer: Writer) async throws {
        let sharing = answers.sharing
        do {
            switch request {
            case .groups: try await write(await sharing.groups(), writer)
            case .group(let name):
                guard let group = await sharing.groups().first(where: { $0.name == name }) else {
                    throw AgentError("there is no group \(name)")
                }
                try await write(group, writer)
            case .queues: try await write(try await sharing.queues(), writer)
            case .startEngine(let url, let uid): try await write(try await sharing.startEngine(url, uid), writer)
            case .stopEngine(let url, let uid): try await write(try await sharing.stopEngine(url, uid), writer)
            case .engineLog(let name, let last): try await write(try await sharing.engineLog(name, last), writer)
            default: try await fail("this is no question of groups", writer)
            }
        } catch let error as AgentError {
            try await fail(error.description, writer)
        }
    }

    private func detach(_ writer: Writer) async throws -> Bool {
        do {
            try await answers.detach()
        } catch {
            try await fail(error.description, writer)
            return true
        }
        // Whether the client is still there to hear it or not, the agent goes.
        defer { answers.leave() }
        try await write(DetachReport(pid: getpid()), writer)
        await drain()
        return false
    }

    /// Each event as it happens, until the client goes, the agent ends, or the client does not keep up.
    private func follow(last: Int, _ level: EventLevel, _ writer: Writer) async throws {
        let channel = channel.channel
        let subscription = answers.hub.follow(last: last, level: level) {
            channel.eventLoop.scheduleTask(in: Self.lateLimit) { channel.close(promise: nil) }
        }
        // The stream ends when the connection does, so that a silent hub does not keep a session whose client is gone.
        channel.closeFuture.whenComplete { _ in subscription.end() }
        for event in subscription.backlog { try await write(event, writer) }
        for await event in subscription.events { try await write(event, writer) }
        if subscription.isLate { try await fail("events were left out: this reader is too slow", writer) }
    }

    /// Waits until everything written has gone out: closing would discard the rest. A client that does not read it loses it.
    private func drain() async {
        let channel = channel.channel
        let timer = channel.eventLoop.scheduleTask(in: Self.drainLimit) { channel.close(promise: nil) }
        defer { timer.cancel() }
        // It may have read all and gone.
        try? await channel.writeAndFlush(ByteBuffer())
    }

    private func write(_ value: some Encodable & Sendable, _ writer: Writer) async throws {
        try await writer.write(ByteBuffer(bytes: try ControlLine.encode(ControlResponse.success(value))))
    }

    private func fail(_ message: String, _ writer: Writer) async throws {
        try await writer.write(ByteBuffer(bytes: try ControlLine.encode(ControlResponse<String>.failure(message))))
    }
}
