import Catalog
import Control
import Flow
import Reactor
import TLS

/// The upstream's socket, and that of the hedge beside it.
extension Worker {
    /// What became of a wish for a connection.
    enum Connecting {
        case connected(reused: Bool)
        case underway
        case failed(ConnectFault)
    }

    func connect(_ connection: Connection, _ address: SocketAddress, _ policy: ConnectPolicy, tls: UInt16) -> Connecting {
        dropUpstream(connection, reusable: false)
        let home = policy == .own ? nil : pool.home(address, tls: tls)
        if policy == .pooled, let home, let kept = pool.take(home) {
            kept.user = connection
            connection.upstream = kept
            context.ledger.totals.upstreamReuses += 1
            return .connected(reused: true)
        }
        do throws(ConnectFault) {
            let upstream = try open(address, tls: tls, home)
            upstream.user = connection
            connection.upstream = upstream
            return .underway
        } catch {
            return .failed(error)
        }
    }

    /// Opens a connection that nobody uses yet.
    func open(_ address: SocketAddress, tls: UInt16, _ home: UpstreamPool.IdleList?) throws(ConnectFault) -> Upstream {
        let leg = tls == 0 ? nil : try self.tls.leg(tls, to: address)
        do throws(SystemError) {
            let descriptor = try Socket.connect(address)
            let number = descriptor.number
            let token = upstreams.reserve(.upstream)
            let upstream = Upstream(token: token, descriptor: descriptor, home: home, tls: leg)
            upstreams.store(upstream, token)
            context.ledger.totals.upstreamConnects += 1
            do throws(SystemError) {
                try poller.add(connection: number, token: token.raw)
            } catch {
                upstreams.remove(token)
                throw error
            }
            return upstream
        } catch {
            throw ConnectFault(error)
        }
    }

    /// Takes the upstream connection away from its flow: into the pool if it may be used again, else closed.
    func dropUpstream(_ connection: Connection, reusable: Bool) {
        guard let upstream = connection.upstream else { return }
        connection.upstream = nil
        upstream.user = nil
        connection.isDraining = false
        restorePriority(upstream)
        let keeps =
            reusable && upstream.isConnected && !upstream.hasEnded && !upstream.isHungUp && upstream.queue.isEmpty
            && draining == nil && hasNothingToSay(upstream)
        if keeps, pool.put(upstream) {
            upstream.idleDeadline = context.now + UInt64(context.timeouts.upstreamIdle) * 1_000_000
            arm(upstream)
        } else {
            sayFarewell(upstream)
            upstreams.remove(upstream.token)
        }
    }

    /// What a server with TLS sends beyond its answer would be taken for the next one's.
    private func hasNothingToSay(_ upstream: Upstream) -> Bool {
        guard let tls = upstream.tls else { return true }
        return !tls.client.hasInput
    }

    func upstreamReady(_ upstream: Upstream, _ ready: Readiness) {
        guard let connection = upstream.user else { return idleReady(upstream, ready) }
        guard upstream.isConnected || settle(upstream, connection, ready) else { return }
        if ready.isWritable, !upstream.queue.isEmpty { flushUpstream(upstream, connection) }
        guard ready.isReadable, upstream.user === connection else { return }
        upstream.isReadable = true
        if ready.isHungUp { upstream.isHungUp = true }
        if let tls = upstream.tls {
            tls.isReadable = true
            tls.isHungUp = upstream.isHungUp
        }
        if upstream.isHedge { readHedge(connection) } else { readUpstream(connection) }
    }

    private func idleReady(_ upstream: Upstream, _ ready: Readiness) {
        if let shadow = upstream.shadow { return shadowReady(shadow, upstream, ready) }
        // Nothing is expected of a connection in the pool but its end.
        guard ready.isReadable, !staysIdle(upstream, ready) else { return }
        pool.remove(upstream)
        upstreams.remove(upstream.token)
    }

    /// Whether the connection that was being opened is open now; the flow has been told if it is, or failed.
    private func settle(_ upstream: Upstream, _ connection: Connection, _ ready: Readiness) -> Bool {
        switch goOn(opening: upstream, ready) {
        case .underway: return false
        case .done:
            upstream.isConnected = true
            if upstream.isHedge {
                connection.flow.hedgeConnected(reused: false, &context, &out)
            } else {
                connection.flow.connected(reused: false, &context, &out)
            }
            execute(connection, received: nil)
            return true
        case .failed(let reason):
            if upstream.isHedge {
                connection.flow.hedgeFailed(reason, &context, &out)
            } else {
                connection.flow.connectFailed(reason, &context, &out)
            }
            execute(connection, received: nil)
            return false
        }
    }

    func readUpstream(_ connection: Connection) { read(.upstream, connection) }

    func readHedge(_ connection: Connection) { read(.hedge, connection) }

    @inline(__always)
    private func read(_ leg: Leg, _ connection: Connection) {
        var reads = 0
        while let upstream = leg == .hedge ? connection.hedge : connection.upstream, upstream.isConnected, upstream.isReadable,
            !upstream.hasEnded, connection.takesAnswer, !connection.isGone
        {
            guard reads < Self.readsPerTurn else { return queue(connection) }
            reads += 1
            switch receive(upstream) {
            case .bytes(let count):
                if count < buffer.count, !upstream.isHungUp, upstream.tls == nil { upstream.isReadable = false }
                let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count])
                connection.flow.received(leg, lend(bytes), &context, &out)
                execute(connection, received: bytes)
            case .wouldBlock: upstream.isReadable = false
            case .end:
                upstream.hasEnded = true
                connection.flow.ended(leg, &context, &out)
                execute(connection, received: nil)
            case .failed:
                upstreamFailed(upstream, connection)
            }
        }
    }

    @inline(__always)
    private func receive(_ upstream: Upstream) -> Transfer {
        guard let tls = upstream.tls else { return Socket.receive(upstream.descriptor.number, into: buffer) }
        return receive(upstream, tls)
    }

    func upstreamFailed(_ upstream: Upstream, _ connection: Connection) {
        upstream.hasEnded = true
        upstream.isReadable = false
        connection.flow.failed(upstream.isHedge ? .hedge : .upstream, &context, &out)
        execute(connection, received: nil)
    }

    private func flushUpstream(_ upstream: Upstream, _ connection: Connection) {
        guard flush(&upstream.queue, to: upstream.descriptor.number) else { return upstreamFailed(upstream, connection) }
        guard upstream.queue.isEmpty else { return }
        if upstream.finishWrites { Socket.shutdownWrite(upstream.descriptor.number) }
        readClient(connection)
    }
}
