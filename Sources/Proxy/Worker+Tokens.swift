import Control
import Flow
import Identity
import Reactor
import Tokens

/// Tokens that have to be checked before their requests go on.
extension Worker {
    /// Tokens of one loop that the desk has at once, of connections that have gone meanwhile, too.
    private static let deskLimit = 256

    /// False: too many are waiting.
    func checkToken(_ connection: Connection, _ slice: Slice, _ received: UnsafeRawBufferPointer?) -> Bool {
        guard tokensAtDesk < Self.deskLimit else { return false }
        tokensAtDesk += 1
        let token = withBytes(of: slice, connection, received) { Array($0) }
        let ticket = TokenTicket(token: connection.token, connection: connection.number)
        desk.check(token, epoch: context.epoch, ticket, mailbox)
        return true
    }

    func tokenChecked(_ ticket: TokenTicket, _ verdict: TokenVerdict) {
        tokensAtDesk -= 1
        context.ledger.totals.tokensChecked += 1
        guard let connection = connections[ticket.token], connection.number == ticket.connection, !connection.isGone else {
            return
        }
        connection.flow.tokenChecked(verdict.finding(in: context.directory), &context, &out)
        execute(connection, received: nil)
    }
}
