internal import Control
private import Glibc
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import ServiceLifecycle

/// Serves `<run-dir>/control.sock`: one JSON object a line each way, many clients at a time.
final class ControlServer: Service {
    private static let maximumClients = 64

    private let descriptor: Int32
    private let group: any EventLoopGroup
    private let answers: ControlAnswers
    private let logger: Logger

    /// - Parameter descriptor: a listening Unix socket, taken over.
    init(descriptor: Int32, group: any EventLoopGroup, answers: ControlAnswers, logger: Logger) {
        self.descriptor = descriptor
        self.group = group
        self.answers = answers
        self.logger = logger
    }

    func run() async throws {
        Descriptors.setNonBlocking(descriptor)
        let server = try await ServerBootstrap(group: group).bind(descriptor) { channel in
            channel.eventLoop.makeCompletedFuture {
                let decoder = ByteToMessageHandler(LineDecoder(limit: ControlLine.maximumRequest))
                try channel.pipeline.syncOperations.addHandler(decoder)
                return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }
        }
        try await withGracefulShutdownHandler {
            try await serve(server)
        } onGracefulShutdown: { [answers] in
            answers.hub.close()
            server.channel.close(promise: nil)
        }
    }

    private func serve(_ server: NIOAsyncChannel<NIOAsyncChannel<ByteBuffer, ByteBuffer>, Never>) async throws {
        let clients = Gauge()
        try await withThrowingDiscardingTaskGroup { group in
            try await server.executeThenClose { connections in
                for try await connection in connections {
                    group.addTask { [answers, logger] in
                        let mayStay = clients.enter(limit: Self.maximumClients)
                        defer { if mayStay { clients.leave() } }
                        do {
                            let session = ControlSession(connection, answers)
                            if mayStay { try await session.run() } else { try await session.turnAway() }
                        } catch {
                            logger.debug("a control connection broke", metadata: ["reason": "\(error)"])
                        }
                    }
                }
            }
            // Sessions wait for their clients' next lines: the agent's end is theirs.
            group.cancelAll()
        }
    }
}
