import Catalog
import Glibc
import Reactor
import Synchronization
import TLS
import TLSFixtures

/// A server on loopback for the proxy to go to: blocking, a thread for each connection.
final class TestEngine: Sendable {
    /// What became of the requests so far.
    struct Seen {
        var connections = 0
        var requests: [String] = []
        var resumed = 0
        /// Handshakes that failed.
        var refused = 0
    }

    private final class Accepted: Sendable {
        let number: Int32
        let engine: TestEngine
        init(_ number: Int32, _ engine: TestEngine) {
            self.number = number
            self.engine = engine
        }
    }

    let address: SocketAddress
    private let listener: Int32
    private let server: TLSSettings?
    private let answer: @Sendable (inout EngineConnection) -> Void
    private let state = Mutex(Seen())

    /// - Parameter answer: called for each request, which has been read; it returns when it has been answered.
    init(tls: TLSSettings? = nil, answer: @escaping @Sendable (inout EngineConnection) -> Void) throws {
        let socket = try Socket.listen(SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 0))
        address = SocketAddress(localOf: socket.number)
        listener = socket.take()
        _ = fcntl(listener, F_SETFL, 0)
        server = tls
        self.answer = answer
        try Self.run(Accepted(listener, self)) { $0.engine.accept() }
    }

    /// Takes no more connections.
    func close() { shutdown(listener, Int32(SHUT_RDWR)) }

    var seen: Seen { state.withLock { $0 } }

    private func accept() {
        while case let number = Glibc.accept(listener, nil, nil), number >= 0 {
            state.withLock { $0.connections += 1 }
            try? Self.run(Accepted(number, self)) { $0.engine.serve($0.number) }
        }
        _ = Glibc.close(listener)
    }

    private func serve(_ number: Int32) {
        guard var connection = EngineConnection(number, server) else {
            state.withLock { $0.refused += 1 }
            return
        }
        if connection.isResumed { state.withLock { $0.resumed += 1 } }
        while !connection.isClosed, let request = connection.readRequest() {
            state.withLock { $0.requests.append(request) }
            answer(&connection)
        }
    }

    private static func run(_ accepted: Accepted, _ body: @escaping @Sendable (Accepted) -> Void) throws {
        final class Start: Sendable {
            let accepted: Accepted
            let body: @Sendable (Accepted) -> Void
            init(_ accepted: Accepted, _ body: @escaping @Sendable (Accepted) -> Void) {
                self.accepted = accepted
                self.body = body
            }
        }
        var thread = pthread_t()
        let start = Unmanaged.passRetained(Start(accepted, body))
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                start.body(start.accepted)
                return nil
            }, start.toOpaque())
        guard code == 0 else {
            start.release()
            throw SystemError("pthread_create", code)
        }
        pthread_detach(thread)
    }
}

/// What an engine with TLS shows. Sendable because OpenSSL counts references to contexts atomically, and nothing changes
/// it after its construction.
final class TLSSettings: @unchecked Sendable {
    let server: TestServer
    init(_ server: TestServer) { self.server = server }
}

/// One connection of an engine.
struct EngineConnection: ~Copyable {
    /// The server's end of TLS, where there may be none.
    private final class Machine {
        var tls: TLSMachine
        init(_ tls: consuming TLSMachine) { self.tls = tls }
    }

    private let socket: Int32
    private let machine: Machine?
    private var pending: [UInt8] = []
    private(set) var isClosed = false

    /// nil when the handshake fails.
    init?(_ number: Int32, _ settings: TLSSettings?) {
        socket = number
        machine = settings.flatMap { try? Machine($0.server.accept()) }
        if settings != nil, !shakeHands() { return nil }
    }

    deinit { _ = Glibc.close(socket) }

    var isResumed: Bool { machine?.tls.isResumed ?? false }

    private mutating func shakeHands() -> Bool {
        while true {
            let isOver = (try? machine?.tls.handshake()) ?? nil
            sendOutput()
            if isOver == true { return true }
            guard isOver == false, let bytes = receive(), (try? bytes.withUnsafeBytes { try machine?.tls.feed($0) }) != nil else {
                return false
            }
        }
    }

    /// Head and body of the next request; nil: there is none.
    mutating func readRequest() -> String? {
        while true {
            if let request = takeRequest() { return request }
            guard let bytes = read() else { return nil }
            pending += bytes
        }
    }

    private mutating func takeRequest() -> String? {
        let text = String(decoding: pending, as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n") else { return nil }
        var length = 0
        for line in text[..<end.lowerBound].split(separator: "\r\n") where line.lowercased().hasPrefix("content-length:") {
            length = Int(line.split(separator: " ")[1]) ?? 0
        }
        let size = text[..<end.upperBound].utf8.count + length
        guard pending.count >= size else { return nil }
        defer { pending.removeFirst(size) }
        return String(decoding: pending[..<size], as: UTF8.self)
    }

    /// Plaintext; nil: the end.
    private mutating func read() -> [UInt8]? {
        guard machine != nil else { return receive() }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let result = buffer.withUnsafeMutableBytes { bytes in try? machine?.tls.read(into: bytes) }
            switch result ?? nil {
            case .bytes(let count): return Array(buffer[..<count])
            case .needsMore:
                guard let bytes = receive(), (try? bytes.withUnsafeBytes { try machine?.tls.feed($0) }) != nil else { return nil }
            case .end, nil: return nil
            }
        }
    }

    private func receive() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = received(into: &buffer, from: socket)
        return count > 0 ? Array(buffer[..<count]) : nil
    }

    mutating func write(_ text: String) {
        let bytes = Array(text.utf8)
        guard machine != nil else { return send(bytes) }
        _ = try? bytes.withUnsafeBytes { try machine?.tls.write($0) }
        sendOutput()
    }

    /// Both in one segment, as far as the kernel goes along, but in records of their own.
    mutating func write(_ text: String, thenAtOnce more: String) {
        guard let machine else { return write(text + more) }
        for part in [text, more] {
            let bytes = Array(part.utf8)
            _ = try? bytes.withUnsafeBytes { try machine.tls.write($0) }
        }
        sendOutput()
    }

    /// `piece` bytes at a time, each in a segment of its own as far as the kernel goes along.
    mutating func write(_ text: String, piece: Int) {
        Socket.setNoDelay(socket)
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: piece) {
            write(String(decoding: bytes[start..<min(start + piece, bytes.count)], as: UTF8.self))
        }
    }

    mutating func answer(_ body: String, status: String = "200 OK") {
        write("HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    /// Ends the connection; with TLS, `farewell` decides whether it says so first.
    mutating func close(farewell: Bool = true) {
        if farewell {
            machine?.tls.close()
            sendOutput()
        }
        shutdown(socket, Int32(SHUT_RDWR))
        isClosed = true
    }

    private mutating func sendOutput() {
        var bytes: [UInt8] = []
        machine?.tls.withOutput { bytes += $0 }
        send(bytes)
    }

    private func send(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress?.advanced(by: sent), $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }
}

extension String {
    /// Where `text` stands.
    fileprivate func range(of text: String) -> Range<Index>? { ranges(of: text).first }
}
