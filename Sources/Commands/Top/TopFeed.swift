private import CLinux
private import Glibc
private import Synchronization

/// Asks the agent without making the keys wait: one question at a time, and a descriptor that says when it is answered.
final class TopFeed: Sendable {
    private struct State {
        var isAsking = false
        var meter = TopMeter()
        var answer: Result<TopReport, ClientError>?
    }

    /// Readable when there is an answer; -1: there can be none.
    let descriptor: Int32
    private let client: ControlClient
    private let state = Mutex(State())

    init(_ client: ControlClient) {
        self.client = client
        descriptor = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
    }

    deinit { _ = close(descriptor) }

    /// Asks, unless that is under way.
    func ask(flows: Bool) {
        let isFree = state.withLock { state in
            defer { state.isAsking = true }
            return !state.isAsking
        }
        guard isFree else { return }
        Task.detached { [self] in
            let result = Result { () throws(ClientError) in try TopSnapshot.ask(client, flows: flows) }
            state.withLock { state in
                state.isAsking = false
                // What a quick hand asked for meanwhile is in the next answer.
                state.answer = result.map { state.meter.measure($0) }
            }
            var one: UInt64 = 1
            _ = write(descriptor, &one, MemoryLayout.size(ofValue: one))
        }
    }

    /// The answer that has come, once.
    func take() -> Result<TopReport, ClientError>? {
        clinux_drain(descriptor)
        return state.withLock { state in
            defer { state.answer = nil }
            return state.answer
        }
    }
}
