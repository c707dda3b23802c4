import CBrokerABI
import CLinux
import Control
import Glibc

@testable import Agent

/// The proxy's end of the link, played by a test: blocking, with a limit of a minute on every read.
final class FakeProxy: Sendable {
    let descriptor: Int32

    init(connectingTo path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        guard result == 0 else { throw SystemError("connect to", path) }
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    func say(_ message: ProxyMessage) { send(Array(message.encoded())) }

    /// Sends a payload behind its length, or behind a length that is a lie.
    func send(_ payload: [UInt8], claiming length: UInt32? = nil) {
        let length = length ?? UInt32(payload.count)
        sendRaw((0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * UInt32($0))) } + payload)
    }

    func sendRaw(_ bytes: [UInt8]) {
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    func hello(version: String = Version.current, abi: UInt32 = UInt32(MB_ABI_VERSION), generation: UInt64 = 0) {
        say(.hello(ProxyHello(pid: getpid(), version: version, abi: abi, generation: generation)))
    }

    /// The next message and the descriptor beside it, -1 for none; nil when the agent has closed the link.
    func hear() async throws -> (message: AgentMessage, descriptor: Int32)? {
        try await blocking { self.read() }
    }

    private func read() -> (message: AgentMessage, descriptor: Int32)? {
        var head = [UInt8](repeating: 0, count: 4)
        var attached: Int32 = -1
        guard clinux_receive_with_descriptor(descriptor, &head, 4, &attached) == 4 else { return nil }
        let length = head.reversed().reduce(0) { $0 << 8 | Int($1) }
        var payload: [UInt8] = []
        while payload.count < length {
            var chunk = [UInt8](repeating: 0, count: length - payload.count)
            let got = recv(descriptor, &chunk, chunk.count, 0)
            guard got > 0 else { return nil }
            payload += chunk[..<got]
        }
        return (try? AgentMessage(decoding: payload)).map { ($0, attached) }
    }

    /// The agent has closed the link, with nothing more to read.
    func isClosed() async throws -> Bool {
        try await blocking { [descriptor] in
            var byte: UInt8 = 0
            return recv(descriptor, &byte, 1, 0) == 0
        }
    }
}
