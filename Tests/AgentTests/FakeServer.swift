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

    private let listener: FakeListener
    private let state: Mutex<(answer: Answer, requests: [String], held: [Int32])>

    init(_ answer: Answer) throws {
        listener = try FakeListener()
        state = Mutex((answer, [], []))
        try listener.start { [weak self] caller in
            self?.serve(caller)
            return self != nil
        }
    }

    deinit {
        for caller in state.withLock({ $0.held }) { close(caller) }
    }

    var address: SocketAddress { listener.address }

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
        let request = FakeListener.head(caller)
        let answer = state.withLock { state in
            state.requests.append(request)
            return state.answer
        }
        switch answer {
        case .text(let text): FakeListener.say(text, caller)
        case .slowly(let text): for byte in text.utf8 { FakeListener.say([byte], caller) }
        case .nothing: break
        case .silence: return state.withLock { $0.held.append(caller) }
        }
        close(caller)
    }
}
