internal import Control
internal import ControlCoding
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
    private let clients = Gauge()

    /// - Parameter descriptor: a listening Unix socket, taken over.
    init(descriptor: Int32, group: any EventLoopGroup, answers: ControlAnswers, logger: Logger) {
        self.descriptor = descriptor
        self.group = group
        self.answers = answers
        self.logger = logger
    }

    func run() async throws {
        Descriptors.setNonBlocking(descriptor)
        let server = try await ServerBootstrap(group: group)
            .childChannelInitializer { [self] channel in channel.eventLoop.makeCompletedFuture { try open(channel) } }
            .withBoundSocket(descriptor).get()
        try? await gracefulShutdown()
        try? await server.close()
        answers.hub.close()
    }

    /// A session has a task of its own from the moment that its connection is there: no connection waits anywhere, so none
    /// is left unserved when the server ends. The task ends with the connection, at the latest with the process.
    private func open(_ channel: any Channel) throws {
        let decoder = ByteToMessageHandler(LineDecoder(limit: ControlLine.maximumRequest))
        try channel.pipeline.syncOperations.addHandler(decoder)
        let lines = try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        Task { [clients, answers, logger] in
            let mayStay = clients.enter(limit: Self.maximumClients)
            defer { if mayStay { clients.leave() } }
            do {
                let session = ControlSession(lines, answers)
                if mayStay { try await session.run() } else { try await session.turnAway() }
            } catch {
                logger.debug("a control connection broke", metadata: ["reason": "\(error)"])
            }
        }
    }
}
