import Reactor
import Routing
import Synchronization

/// The event loops as one of them sees the others: what one finds of an endpoint, all know, and the agent hears of it
/// once, though several may find it at the same time.
final class LoopPeers: Sendable {
    private struct Cause: Hashable {
        var number: EndpointNumber
        var cause: StandbyCause
    }

    let mailboxes: [Mailbox<WorkerMessage>]
    /// What the agent has been told of, and until when it said that lasts. Written on transitions only.
    private let told = Mutex<[Cause: UInt64]>([:])

    init(_ mailboxes: [Mailbox<WorkerMessage>]) {
        self.mailboxes = mailboxes
    }

    /// Tells all loops but the one that found it.
    func post(_ notice: RoutingNotice, from loop: Int) {
        for (index, mailbox) in mailboxes.enumerated() where index != loop { mailbox.post(.notice(notice)) }
    }

    /// Whether the agent does not know of it yet; it does from now on.
    func isNews(_ notice: RoutingNotice, now: UInt64) -> Bool {
        told.withLock { told in
            switch notice.change {
            case .standby(let cause, let until):
                let key = Cause(number: notice.number, cause: cause)
                let known = told[key]
                told[key] = max(until, known ?? 0)
                return known.map { $0 <= now } ?? true
            case .active(let cause): return told.removeValue(forKey: Cause(number: notice.number, cause: cause)) != nil
            }
        }
    }
}
