import CLinux
import Catalog
import Glibc
import Synchronization

@testable import Agent

/// A server on a free port of 127.0.0.1 that answers one request on each connection, as it is told.
final class FakeServer: Sendable {
    enum Answer: Sendable {
        case text(String)
        /// Byte after byte.
        case slowly(String)
        case silence
        /// Ends the connection without a word.
        case nothing
    }

    let address: SocketAddress
    private let descriptor: Int32
    private let state: Mutex<(answer: Answer, requests: [String], held: [Int32])>

    init(_ answer: Answer) throws {
        let ip = IPAddress(v4: 127, 0, 0, 1)
        let descriptor = try Listener.tcp(SocketAddress(ip: ip, port: 0))
        self.descriptor = descriptor
        var name = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &name) { pointer in
            _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        address = SocketAddress(ip: ip, port: UInt16(bigEndian: name.sin_port))
        state = Mutex((answer, [], []))
        try BackgroundThread.start("fake server") { [weak self] in
            while true {
                let caller = accept(descriptor, nil, nil)
                guard caller >= 0, let self else {
                    close(descriptor)
                    return
                }
                self.serve(caller)
            }
        }
    }

    deinit {
        shutdown(descriptor, Int32(SHUT_RDWR))
        for caller in state.withLock({ $0.held }) { close(caller) }
    }

    /// From now on.
    func answer(_ answer: Answer) { state.withLock { $0.answer = answer } }

    var requests: [String] { state.withLock { $0.requests } }

    /// Of the connections that are met with silence, how many the other side has left open.
    var open: Int {
        state.withLock { state in
            state.held.count { caller in
                var byte: UInt8 = 0
                return recv(caller, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) < 0 && errno == EAGAIN
            }
        }
    }

    static func http(_ status: Int, _ body: String = "") -> Answer {
        .text("HTTP/1.1 \(status) X\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    private func serve(_ caller: Int32) {
        var limit = timeval(tv_sec: 2, tv_usec: 0)
        setsockopt(caller, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var request: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while !String(decoding: request, as: UTF8.self).contains("\r\n\r\n") {
            let got = recv(caller, &chunk, chunk.count, 0)
            guard got > 0 else { break }
            request += chunk[..<got]
        }
        let answer = state.withLock { state in
            state.requests.append(String(decoding: request, as: UTF8.self))
            return state.answer
        }
        switch answer {
        case .text(let text): say(Array(text.utf8), caller)
        case .slowly(let text): for byte in text.utf8 { say([byte], caller) }
        case .nothing: break
        case .silence: return state.withLock { $0.held.append(caller) }
        }
        close(caller)
    }

    private func say(_ bytes: [UInt8], _ caller: Int32) {
        var sent = 0
        while sent < bytes.count {
            let result = bytes.withUnsafeBytes { view in
                view.baseAddress.map { send(caller, $0 + sent, view.count - sent, Int32(MSG_NOSIGNAL)) } ?? 0
            }
            guard result > 0 else { return }
            sent += result
        }
    }
}
