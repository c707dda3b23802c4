/// The end of the agent waits for what is still on its way to others, and not for long.
enum Farewell {
    /// Milliseconds.
    static let limit = 2000

    /// Something with which others are told things.
    protocol Party: Sendable {
        /// What waits is to be sent at once, and nothing is tried again.
        ///
        /// - Parameter done: called once, from anywhere, as soon as nothing waits any more.
        func hurry(done: @escaping @Sendable () -> Void)
    }

    /// Returns once nothing waits with any of them, or after the limit.
    static func wait(for parties: [any Party]) async {
        let (ends, feed) = AsyncStream.makeStream(of: Void.self)
        for party in parties { party.hurry { feed.yield() } }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                var left = parties.count
                guard left > 0 else { return }
                for await _ in ends {
                    left -= 1
                    if left == 0 { return }
                }
            }
            group.addTask { try? await Task.sleep(for: .milliseconds(limit)) }
            await group.next()
            group.cancelAll()
        }
    }
}
