import Catalog
import Glibc
import Synchronization

@testable import Agent

/// An HTTP server on a free port of 127.0.0.1 that answers as it is told, and whose watches stay open.
final class FakeAPIServer: Sendable {
    enum Answer: Sendable {
        case whole(Int, String)
        /// A chunked answer that begins like this and goes on with what is told.
        case watch(String)
    }

    private struct State {
        var requests: [String] = []
        var watches: [Int32] = []
    }

    let address: SocketAddress
    private let descriptor: Int32
    private let state = Mutex(State())
    private let answer: @Sendable (_ request: String) -> Answer

    init(_ answer: @escaping @Sendable (_ request: String) -> Answer) throws {
        let ip = IPAddress(v4: 127, 0, 0, 1)
        let descriptor = try Listener.tcp(SocketAddress(ip: ip, port: 0))
        self.descriptor = descriptor
        self.answer = answer
        var name = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &name) { pointer in
            _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        address = SocketAddress(ip: ip, port: UInt16(bigEndian: name.sin_port))
        try BackgroundThread.start("fake API server") { [weak self] in
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
        cut()
    }

    var requests: [String] { state.withLock { $0.requests } }
    var watches: Int { state.withLock { $0.watches.count } }

    /// Sends a chunk on every open watch.
    func tell(_ text: String) {
        for watch in state.withLock({ $0.watches }) { Self.say("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n", watch) }
    }

    /// Closes all watches as they are.
    func cut() {
        let watches = state.withLock { state in
            defer { state.watches = [] }
            return state.watches
        }
        for watch in watches { close(watch) }
    }

    private func serve(_ caller: Int32) {
        var limit = timeval(tv_sec: 2, tv_usec: 0)
        setsockopt(caller, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var request = ""
        var chunk = [UInt8](repeating: 0, count: 4096)
        while !request.contains("\r\n\r\n") {
            let got = recv(caller, &chunk, chunk.count, 0)
            guard got > 0 else { break }
            request += String(decoding: chunk[..<got], as: UTF8.self)
        }
        switch answer(request) {
        case .whole(let status, let body):
            state.withLock { $0.requests.append(request) }
            Self.say("HTTP/1.1 \(status) X\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)", caller)
            close(caller)
        case .watch(let text):
            Self.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", caller)
            if !text.isEmpty { Self.say("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n", caller) }
            state.withLock { state in
                state.requests.append(request)
                state.watches.append(caller)
            }
        }
    }

    private static func say(_ text: String, _ caller: Int32) {
        let bytes = Array(text.utf8)
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
