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

    private let listener: FakeListener
    private let state = Mutex(State())
    private let answer: @Sendable (_ request: String) -> Answer

    init(_ answer: @escaping @Sendable (_ request: String) -> Answer) throws {
        listener = try FakeListener()
        self.answer = answer
        try listener.start { [weak self] caller in
            self?.serve(caller)
            return self != nil
        }
    }

    deinit { cut() }

    var address: SocketAddress { listener.address }
    var requests: [String] { state.withLock { $0.requests } }
    var watches: Int { state.withLock { $0.watches.count } }

    /// Sends a chunk on every open watch.
    func tell(_ text: String) {
        for watch in state.withLock({ $0.watches }) { Self.tell(text, watch) }
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
        let request = FakeListener.head(caller)
        switch answer(request) {
        case .whole(let status, let body):
            state.withLock { $0.requests.append(request) }
            FakeListener.say("HTTP/1.1 \(status) X\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)", caller)
            close(caller)
        case .watch(let text):
            FakeListener.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", caller)
            if !text.isEmpty { Self.tell(text, caller) }
            state.withLock { state in
                state.requests.append(request)
                state.watches.append(caller)
            }
        }
    }

    private static func tell(_ text: String, _ watch: Int32) {
        FakeListener.say("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n", watch)
    }
}
