import TLS
import TLSFixtures

/// A client and a server with a wire between them.
final class Link {
    var client: TLSClient
    var server: TLSMachine
    /// How many bytes reach the other side at a time.
    let step: Int
    private(set) var clientIsReady = false
    private(set) var serverIsReady = false

    init(_ client: consuming TLSClient, _ server: consuming TLSMachine, step: Int = .max) {
        self.client = client
        self.server = server
        self.step = step
    }

    var version: String { client.version }
    var applicationProtocol: String { client.applicationProtocol }
    var isResumed: Bool { client.isResumed }

    /// Shakes hands until both are content or nothing moves any more.
    func connect() throws {
        for _ in 0..<20 where !clientIsReady || !serverIsReady {
            clientIsReady = try client.handshake()
            try carryToServer()
            carryToClient()
        }
    }

    private func carryToServer() throws {
        for piece in Self.taken(from: &client, step) {
            try piece.withUnsafeBytes { try server.feed($0) }
            if !serverIsReady { serverIsReady = (try? server.handshake()) ?? false }
        }
    }

    private func carryToClient() {
        for piece in Self.taken(from: &server, step) {
            _ = piece.withUnsafeBytes { bytes in try? client.feed(bytes) }
            // What goes wrong shows when `connect` goes on.
            if step < .max, !clientIsReady { clientIsReady = (try? client.handshake()) ?? false }
        }
    }

    /// What the server has to send for `text`, which does not reach the client.
    func intercept(_ text: [UInt8]) throws -> [UInt8] {
        try text.withUnsafeBytes { try server.write($0) }
        var bytes: [UInt8] = []
        server.withOutput { bytes += $0 }
        return bytes
    }

    private static func taken(from client: inout TLSClient, _ step: Int) -> [[UInt8]] {
        var bytes: [UInt8] = []
        client.withOutput { bytes += $0 }
        return cut(bytes, step)
    }

    private static func taken(from server: inout TLSMachine, _ step: Int) -> [[UInt8]] {
        var bytes: [UInt8] = []
        server.withOutput { bytes += $0 }
        return cut(bytes, step)
    }

    private static func cut(_ bytes: [UInt8], _ step: Int) -> [[UInt8]] {
        guard step < bytes.count else { return bytes.isEmpty ? [] : [bytes] }
        return stride(from: 0, to: bytes.count, by: step).map { Array(bytes[$0..<min($0 + step, bytes.count)]) }
    }

    /// What the server reads of `text` that the client wrote.
    func send(_ text: [UInt8]) throws -> [UInt8] {
        try text.withUnsafeBytes { try client.write($0) }
        try carryToServer()
        var read: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        while case .bytes(let count) = try buffer.withUnsafeMutableBytes({ try server.read(into: $0) }) {
            read += buffer[..<count]
        }
        return read
    }

    /// What the client reads of `text` that the server wrote, and how the reading stopped.
    func answer(_ text: [UInt8], thenClose: Bool = false) throws -> ([UInt8], TLSRead) {
        try text.withUnsafeBytes { try server.write($0) }
        if thenClose { server.close() }
        carryToClient()
        var read: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            let result = try buffer.withUnsafeMutableBytes { try client.read(into: $0) }
            guard case .bytes(let count) = result else { return (read, result) }
            read += buffer[..<count]
        }
    }
}
