private import Glibc
internal import Logging
internal import NIOCore
private import NIOHTTP1
private import NIOPosix
private import ServiceLifecycle
private import Synchronization

/// Serves the admin pages over HTTP; can move to another address while it runs.
actor AdminServer {
    private static let maximumConnections = 64
    private static let idle = TimeAmount.seconds(30)

    private let group: any EventLoopGroup
    private let logger: Logger
    private let connections = Gauge()
    private var descriptor: Int32
    private var pages: AdminPages?
    private var channel: (any Channel)?

    /// - Parameter descriptor: a listening TCP socket, taken over.
    init(descriptor: Int32, group: any EventLoopGroup, logger: Logger) {
        self.descriptor = descriptor
        self.group = group
        self.logger = logger
    }

    /// Serves until the agent shuts down.
    func run(_ pages: AdminPages) async throws {
        self.pages = pages
        channel = try await serve(descriptor, pages)
        try? await gracefulShutdown()
        try? await channel?.close()
    }

    /// Serves another listening socket, taken over, from now on; the one before is closed.
    func move(to new: Int32) async {
        guard let pages else {
            close(descriptor)
            descriptor = new
            return
        }
        do {
            let former = channel
            channel = try await serve(new, pages)
            try? await former?.close()
        } catch {
            logger.error("cannot serve the admin pages at their new address", metadata: ["reason": "\(error)"])
        }
    }

    private func serve(_ descriptor: Int32, _ pages: AdminPages) async throws -> any Channel {
        Descriptors.setNonBlocking(descriptor)
        return try await ServerBootstrap(group: group)
            .childChannelInitializer { [connections] channel in
                guard connections.enter(limit: Self.maximumConnections) else { return channel.close() }
                channel.closeFuture.whenComplete { _ in connections.leave() }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(IdleStateHandler(allTimeout: Self.idle))
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(AdminHandler(pages))
                }
            }
            .withBoundSocket(descriptor).get()
    }
}
