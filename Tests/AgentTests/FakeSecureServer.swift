import Catalog
import Glibc
import TLS
import TLSFixtures

@testable import Agent

/// A server with TLS on a free port of 127.0.0.1 that answers one request on each connection with the same text.
final class FakeSecureServer: Sendable {
    private let listener: FakeListener

    /// - Parameter identity: what it shows.
    init(_ identity: TestAuthority.Identity, answer: String) throws {
        listener = try FakeListener()
        let context = try TLSServerContext(chain: identity.chain, key: identity.secret())
        try listener.start { caller in
            try? Self.serve(caller, context, answer)
            close(caller)
            return true
        }
    }

    var address: SocketAddress { listener.address }

    private static func serve(_ caller: Int32, _ context: TLSServerContext, _ answer: String) throws {
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(caller, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var server = try TLSServer(context)
        var request = ""
        var isOver = false
        while !request.contains("\r\n\r\n") {
            var chunk = [UInt8](repeating: 0, count: 4096)
            let got = recv(caller, &chunk, chunk.count, 0)
            guard got > 0 else { return }
            try chunk.withUnsafeBytes { try server.feed(UnsafeRawBufferPointer(rebasing: $0[..<got])) }
            defer { server.withOutput { _ = send(caller, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) } }
            if !isOver { isOver = try server.handshake() }
            while isOver, case .bytes(let count) = try chunk.withUnsafeMutableBytes({ try server.read(into: $0) }) {
                request += String(decoding: chunk[..<count], as: UTF8.self)
            }
        }
        try Array(answer.utf8).withUnsafeBytes { try server.write($0) }
        server.close()
        server.withOutput { _ = send(caller, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }
}
