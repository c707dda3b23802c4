import NIOCore
import NIOPosix

/// The listening sockets and what their connections share.
final class Engine: Sendable {
    private let options: EngineOptions
    private let log = RequestLog()
    private let faults = Faults()
    private let ledger = UsageLedger()
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    init(options: EngineOptions) { self.options = options }

    /// Listens on every address; returns them as `127.0.0.1:9101`, `[::1]:9101`.
    func start() async throws -> [String] {
        var addresses: [String] = []
        for host in options.hosts {
            let channel = try await bootstrap().bind(host: host, port: options.port).get()
            addresses.append(Self.text(channel.localAddress))
        }
        return addresses
    }

    /// Listeners stay open until the process is told to end.
    func waitUntilClosed() async throws {
        try await group.next().makePromise(of: Void.self).futureResult.get()
    }

    private func bootstrap() -> ServerBootstrap {
        let (options, log, faults, ledger) = (options, log, faults, ledger)
        return ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.autoRead, value: options.slowAccept == nil)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = ConnectionHandler(options: options, log: log, faults: faults, ledger: ledger)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
    }

    private static func text(_ address: SocketAddress?) -> String {
        guard let address, let ip = address.ipAddress, let port = address.port else { return "?" }
        return address.protocol == .inet6 ? "[\(ip)]:\(port)" : "\(ip):\(port)"
    }
}
