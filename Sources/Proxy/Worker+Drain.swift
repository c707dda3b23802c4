import Flow
import Reactor

/// Reading an endpoint on after its client has gone, to know what was used.
extension Worker {
    /// Half-closes the endpoint's connection and keeps it until the flow releases it.
    func drainUpstream(_ connection: Connection) {
        guard connection.upstream != nil else { return }
        connection.isDraining = true
        shutdownWrite(connection, .upstream)
        // What was held back for a client that did not read may be waiting.
        queue(connection)
    }

    /// Whether a connection that is to be removed stays for its endpoint's sake, without its client.
    func staysToDrain(_ connection: Connection) -> Bool {
        guard connection.isDraining else { return false }
        guard !connection.isClientGone else { return true }
        connection.isClientGone = true
        poller.remove(connection.client.number)
        Socket.shutdownBoth(connection.client.number)
        connection.clientQueue = ByteQueue()
        arm(connection)
        return true
    }

    func drainExpired(_ connection: Connection) {
        if connection.flow.deadline != 0, connection.flow.deadline <= context.now {
            connection.flow.timeout(&context, &out)
            return execute(connection, received: nil)
        }
        endingExpired(connection)
        if !connection.isGone { arm(connection) }
    }
}
