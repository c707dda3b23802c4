internal import Logging
private import Synchronization

/// `<run-dir>/state.json`, kept in step with what the agent makes.
final class StateFile: Sendable {
    private let path: String
    private let logger: Logger
    private let state: Mutex<AgentState>

    init(path: String, state: AgentState, logger: Logger) {
        self.path = path
        self.logger = logger
        self.state = Mutex(state)
    }

    /// Changes the state and writes it. A failure is logged: the agent works on, only its successor knows less.
    func update(_ change: (inout sending AgentState) -> Void) {
        state.withLock { state in
            var next = state
            change(&next)
            guard next != state else { return }
            state = next
            do {
                try next.write(path)
            } catch {
                logger.error("cannot write the agent's state", metadata: ["reason": "\(error)"])
            }
        }
    }
}
