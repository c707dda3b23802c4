import Identity
import Reactor
import Synchronization
import Tokens

/// Has tokens checked off the event loops: signatures take longer than everything else that a request needs.
final class TokenDesk: Sendable {
    private struct State {
        var checker: TokenChecker?
        /// There is none before there are issuers.
        var thread: TokenThread?
    }

    private let state = Mutex(State())

    /// What tokens are checked with from now on; nil: there are no issuers.
    ///
    /// - Throws: when there is no thread for it; then no token holds.
    func adopt(_ checker: TokenChecker?) throws(SystemError) {
        try state.withLock { state throws(SystemError) in
            state.checker = nil
            if checker != nil, state.thread == nil { state.thread = try TokenThread() }
            state.checker = checker
        }
    }

    /// Checks a token with what is in force now, and tells the event loop.
    ///
    /// - Parameters:
    ///   - epoch: seconds since 1970.
    ///   - ticket: comes back with the verdict.
    func check(_ token: [UInt8], epoch: Int64, _ ticket: TokenTicket, _ mailbox: Mailbox<WorkerMessage>) {
        let (checker, thread) = state.withLock { ($0.checker, $0.thread) }
        guard let checker, let thread else { return mailbox.post(.tokenChecked(ticket, .refused(.noKeys))) }
        Task.detached(executorPreference: thread) {
            mailbox.post(.tokenChecked(ticket, await checker.check(token, epoch: epoch)))
        }
    }
}

/// Whose token was checked: a connection of one event loop. Its number tells it from the one that has its place by now.
struct TokenTicket: Sendable, Hashable {
    let token: Token
    let connection: UInt64
}
