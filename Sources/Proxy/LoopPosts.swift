import Flow
import Reactor
import Synchronization

/// Hands what became of tickets to the event loops whose connections they are of.
final class LoopPosts: Sendable {
    private let mailboxes = Mutex<[Mailbox<WorkerMessage>]>([])

    /// - Parameter all: in the order of the loops.
    func use(_ all: [Mailbox<WorkerMessage>]) { mailboxes.withLock { $0 = all } }

    /// - Parameter owner: loop and slot of a connection.
    func post(_ owner: UInt64, _ call: RoomCall) {
        let loop = Int(owner >> 32)
        let mailbox = mailboxes.withLock { loop < $0.count ? $0[loop] : nil }
        mailbox?.post(.call(Int(owner & 0xFFFF_FFFF), call))
    }
}
