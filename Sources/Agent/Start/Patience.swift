private import Glibc

/// Waits for what an agent that is just ending still holds. A killed process goes on existing for some milliseconds, and
/// whoever restarts it at once should not fail for that.
enum Patience {
    private static let limit: UInt64 = 2_000_000_000

    /// Tries until it succeeds or fails for another reason, for two seconds at most.
    static func retry<Value>(_ attempt: () throws(AgentError) -> Value) throws(AgentError) -> Value {
        let deadline = Clocks.monotonic() + limit
        while true {
            do {
                return try attempt()
            } catch {
                guard error.isHeld, Clocks.monotonic() < deadline else { throw error }
                poll(nil, 0, 20)
            }
        }
    }
}
