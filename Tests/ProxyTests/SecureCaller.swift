import Catalog
import Glibc
import Reactor
import TLS
import TLSFixtures

/// A caller of a secure gateway: blocking.
final class SecureCaller {
    enum End: Equatable {
        case open
        /// The proxy said that no more would come.
        case farewell
        /// The connection ended, or broke, without a word.
        case cut
    }

    private let socket: Int32
    private let client: TestClient
    private var machine: TLSMachine
    private(set) var isReady = false
    private(set) var fault: TLSError?
    /// Bytes that go out at a time.
    var step = Int.max

    init(_ address: SocketAddress, _ client: TestClient, receiveBuffer: Int32 = 0) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var timeout = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        if receiveBuffer > 0 {
            var size = receiveBuffer
            setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        Socket.setNoDelay(socket)
        self.client = client
        machine = try client.connect()
        guard address.withSockaddr({ Glibc.connect(socket, $0, $1) }) == 0 else { throw SystemError("connect", errno) }
    }

    deinit { _ = Glibc.close(socket) }

    var isResumed: Bool { machine.isResumed }
    var applicationProtocol: String { machine.applicationProtocol }

    /// Whether the handshake came to its end on this side.
    @discardableResult
    func shakeHands() -> Bool {
        while fault == nil, !isReady {
            do throws(TLSError) {
                isReady = try machine.handshake()
            } catch {
                fault = error
            }
            sendOutput()
            if isReady || fault != nil { break }
            guard let bytes = receiveCiphertext() else { break }
            bytes.withUnsafeBytes { _ = try? machine.feed($0) }
        }
        return isReady
    }

    func send(_ text: String) {
        let bytes = Array(text.utf8)
        bytes.withUnsafeBytes { _ = try? machine.write($0) }
        sendOutput()
    }

    func post(_ model: String, _ content: String = "hello", fields: String = "") {
        let body = "{\"model\":\"\(model)\",\"messages\":[{\"role\":\"user\",\"content\":\"\(content)\"}]}"
        send(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\(fields)"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    /// All that comes until `isEnough` of its last bytes, and how it stopped.
    func receive(until isEnough: (String) -> Bool) -> (text: String, end: End) {
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while !isEnough(String(decoding: text.suffix(200), as: UTF8.self)) {
            let read = buffer.withUnsafeMutableBytes { bytes in try? machine.read(into: bytes) }
            switch read {
            case .bytes(let count): text += buffer[..<count]
            case .needsMore:
                guard let bytes = receiveCiphertext() else { return (String(decoding: text, as: UTF8.self), .cut) }
                bytes.withUnsafeBytes { _ = try? machine.feed($0) }
            case .end: return (String(decoding: text, as: UTF8.self), .farewell)
            case nil: return (String(decoding: text, as: UTF8.self), .cut)
            }
        }
        return (String(decoding: text, as: UTF8.self), .open)
    }

    /// One exchange; the answer's body is known to end with `mark`.
    func ask(_ model: String, _ mark: String) -> String {
        post(model)
        return receive { $0.hasSuffix(mark) }.text
    }

    /// Ends its side, with or without saying so.
    func finish(farewell: Bool) {
        if farewell {
            machine.close()
            sendOutput()
        }
        shutdown(socket, Int32(SHUT_WR))
    }

    private func sendOutput() {
        var bytes: [UInt8] = []
        machine.withOutput { bytes += $0 }
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress?.advanced(by: sent), min(step, $0.count - sent), Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    private func receiveCiphertext() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = received(into: &buffer, from: socket)
        return count > 0 ? Array(buffer[..<count]) : nil
    }
}
