import Catalog
import Control
import Flow
import Reactor

/// The upstream's socket.
extension Worker {
    /// What became of a wish for a connection.
    enum Connecting {
        case connected(reused: Bool)
        case underway
        case failed(String)
    }

    func connect(_ connection: Connection, _ address: SocketAddress, _ policy: ConnectPolicy) -> Connecting {
        dropUpstream(connection, reusable: false)
        if policy == .pooled, let kept = pool.take(address) {
            kept.user = connection
            connection.upstream = kept
            context.ledger.totals.upstreamReuses += 1
            return .connected(reused: true)
        }
        do throws(SystemError) {
            let descriptor = try Socket.connect(address)
            let number = descriptor.number
            let token = upstreams.reserve(.upstream)
            let upstream = Upstream(token: token, descriptor: descriptor, address: address, isOwn: policy == .own)
            upstreams.store(upstream, token)
            upstream.user = connection
            connection.upstream = upstream
            context.ledger.totals.upstreamConnects += 1
            try poller.add(connection: number, token: upstream.token.raw)
            return .underway
        } catch {
            return .failed(error.reason)
        }
    }

    /// Takes the upstream connection away from its flow: into the pool if it may be used again, else closed.
    func dropUpstream(_ connection: Connection, reusable: Bool) {
        guard let upstream = connection.upstream else { return }
        connection.upstream = nil
        upstream.user = nil
        let keeps =
            reusable && upstream.isConnected && !upstream.isOwn && !upstream.hasEnded && !upstream.isHungUp
            && upstream.queue.isEmpty && draining == nil
        if keeps, pool.put(upstream) {
            upstream.idleDeadline = context.now + UInt64(context.timeouts.upstreamIdle) * 1_000_000
            arm(upstream)
        } else {
            upstreams.remove(upstream.token)
        }
    }

    func upstreamReady(_ upstream: Upstream, _ ready: Readiness) {
        guard let connection = upstream.user else {
            // Nothing is expected of a connection in the pool but its end.
            guard ready.isReadable else { return }
            pool.remove(upstream)
            return upstreams.remove(upstream.token)
        }
        guard upstream.isConnected || settleConnect(upstream, connection, ready) else { return }
        if ready.isWritable, !upstream.queue.isEmpty { flushUpstream(upstream, connection) }
        guard ready.isReadable, connection.upstream === upstream else { return }
        upstream.isReadable = true
        if ready.isHungUp { upstream.isHungUp = true }
        readUpstream(connection)
    }

    /// Whether the connect that was under way has succeeded; the flow has been told either way.
    private func settleConnect(_ upstream: Upstream, _ connection: Connection, _ ready: Readiness) -> Bool {
        guard ready.isWritable else { return false }
        let code = Socket.connectError(upstream.descriptor.number)
        if code == 0 {
            upstream.isConnected = true
            connection.flow.connected(reused: false, &context, &out)
        } else {
            connection.flow.connectFailed(SystemError("connect", code).reason, &context, &out)
        }
        execute(connection, received: nil)
        return code == 0
    }

    func readUpstream(_ connection: Connection) {
        var reads = 0
        while let upstream = connection.upstream, upstream.isConnected, upstream.isReadable, !upstream.hasEnded,
            connection.ending == .none, connection.clientQueue.isEmpty, !connection.isGone
        {
            guard reads < Self.readsPerTurn else { return queue(connection) }
            reads += 1
            switch Socket.receive(upstream.descriptor.number, into: buffer) {
            case .bytes(let count):
                if count < buffer.count, !upstream.isHungUp { upstream.isReadable = false }
                let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count])
                connection.flow.received(.upstream, lend(bytes), &context, &out)
                execute(connection, received: bytes)
            case .wouldBlock: upstream.isReadable = false
            case .end:
                upstream.hasEnded = true
                connection.flow.ended(.upstream, &context, &out)
                execute(connection, received: nil)
            case .failed:
                upstreamFailed(upstream, connection)
            }
        }
    }

    func upstreamFailed(_ upstream: Upstream, _ connection: Connection) {
        upstream.hasEnded = true
        upstream.isReadable = false
        connection.flow.failed(.upstream, &context, &out)
        execute(connection, received: nil)
    }

    private func flushUpstream(_ upstream: Upstream, _ connection: Connection) {
        guard flush(&upstream.queue, to: upstream.descriptor.number) else { return upstreamFailed(upstream, connection) }
        guard upstream.queue.isEmpty else { return }
        if upstream.finishWrites { Socket.shutdownWrite(upstream.descriptor.number) }
        readClient(connection)
    }
}
