import NIOCore
import NIOPosix

/// The listening sockets and what their connections share.
final class Engine: Sendable {
    private let shared: EngineState
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    init(_ shared: EngineState) { self.shared = shared }

    /// Listens on every address; returns them as `127.0.0.1:9101`, `[::1]:9101`.
    func start() async throws -> [String] {
        var addresses: [String] = []
        for host in shared.options.hosts {
            let channel = try await bootstrap().bind(host: host, port: shared.options.port).get()
            addresses.append(Self.text(channel.localAddress))
        }
        return addresses
    }

    /// Listeners stay open until the process is told to end.
    func waitUntilClosed() async throws {
        try await group.next().makePromise(of: Void.self).futureResult.get()
    }

    private func bootstrap() -> ServerBootstrap {
        let shared = shared
        return ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.autoRead, value: shared.options.slowAccept == nil)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ConnectionHandler(shared))
                }
            }
    }

    private static func text(_ address: SocketAddress?) -> String {
        guard let address, let ip = address.ipAddress, let port = address.port else { return "?" }
        return address.protocol == .inet6 ? "[\(ip)]:\(port)" : "\(ip):\(port)"
    }
}
