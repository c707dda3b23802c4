private import Synchronization

/// Questions that wait for an answer, each by a key of its own and for a limited time.
final class ReplyTable<Key: Hashable & Sendable, Answer: Sendable>: Sendable {
    private struct State {
        var waiting: [Key: CheckedContinuation<Answer?, Never>] = [:]
        var closed = false
    }

    private let state = Mutex(State())

    /// Asks, and waits for the answer.
    ///
    /// - Parameter ask: sends the question; runs when the answer can already be taken.
    /// - Returns: nil when there was none in time, when the table is closed, or when the key waits already.
    func wait(for key: Key, atMost limit: Duration, ask: @Sendable () -> Void) async -> Answer? {
        let timer = Task {
            do { try await Task.sleep(for: limit) } catch { return }
            settle(key, nil)
        }
        defer { timer.cancel() }
        return await withCheckedContinuation { continuation in
            let free = state.withLock { state in
                guard !state.closed, state.waiting[key] == nil else { return false }
                state.waiting[key] = continuation
                return true
            }
            if free { ask() } else { continuation.resume(returning: nil) }
        }
    }

    /// Hands over an answer. False if nobody waits for it (any more).
    @discardableResult
    func answer(_ key: Key, _ answer: Answer) -> Bool { settle(key, answer) }

    /// Lets everybody go without an answer, now and from now on.
    func close() {
        let waiting = state.withLock { state in
            defer { state.waiting = [:] }
            state.closed = true
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.resume(returning: nil) }
    }

    @discardableResult
    private func settle(_ key: Key, _ answer: Answer?) -> Bool {
        let continuation = state.withLock { $0.waiting.removeValue(forKey: key) }
        continuation?.resume(returning: answer)
        return continuation != nil
    }
}
