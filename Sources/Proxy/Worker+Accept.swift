import Catalog
import Control
import Flow
import Reactor
import TLS

/// Listeners and new connections.
extension Worker {
    func open(_ listener: Listener) {
        let token = Token(.listener, slot: listener.id)
        do throws(SystemError) {
            for number in listener.descriptors { try poller.add(source: number, token: token.raw) }
            listeners.append(listener)
        } catch {
            unwatch(listener)
            outbox.log("cannot watch the listener \(listener.address): \(error)")
        }
    }

    /// Takes what waits on a listener and lets go of it. Its sockets may live on in another process, and would be watched
    /// as long as they do.
    func unlisten(_ id: Int) {
        guard let index = listeners.firstIndex(where: { $0.id == id }) else { return }
        accept(id)
        unwatch(listeners.remove(at: index))
    }

    private func unwatch(_ listener: Listener) {
        for number in listener.descriptors { poller.remove(number) }
    }

    /// Accepts what waits, up to a bound: the listener is told again as long as more wait.
    func accept(_ id: Int) {
        guard let listener = listeners.first(where: { $0.id == id }) else { return }
        for number in listener.descriptors {
            for _ in 0..<64 {
                do throws(SystemError) {
                    guard let socket = try Socket.accept(number) else { break }
                    begin(socket, listener)
                } catch {
                    context.ledger.totals.acceptFailures += 1
                    return rest(listener)
                }
            }
        }
    }

    /// No descriptor or memory is left: what waits to be accepted waits on, and the loop does not spin on it.
    private func rest(_ listener: Listener) {
        unwatch(listener)
        wheel.add(Token(.listener, slot: listener.id).raw, deadline: context.now + Self.acceptRest)
    }

    func acceptAgain(_ id: Int) {
        guard let listener = listeners.first(where: { $0.id == id }) else { return }
        do throws(SystemError) {
            for number in listener.descriptors { try poller.add(source: number, token: Token(.listener, slot: id).raw) }
        } catch {
            rest(listener)
        }
    }

    private func begin(_ socket: consuming AcceptedSocket, _ listener: Listener) {
        let peer = socket.peer
        guard let tls = tls(listener) else { return }
        let descriptor = socket.take()
        guard let caller = caller(descriptor.number, peer, listener) else {
            context.ledger.totals.withoutOrigin += 1
            outbox.send(.event(ProxyEvent(kind: .withoutOrigin, address: peer, detail: "closed")))
            return
        }
        Socket.setNoDelay(descriptor.number)
        let flow = Flow(caller, &context)
        let number = descriptor.number
        let token = connections.reserve(.client)
        let connection = Connection(nextConnection, token, client: descriptor, tls: tls.client, flow: flow, now: context.now)
        nextConnection += loops
        connections.store(connection, token)
        connection.flow.owner = UInt64(loop) << 32 | UInt64(token.slot)
        do throws(SystemError) {
            try poller.add(connection: number, token: connection.token.raw)
        } catch {
            return remove(connection)
        }
        arm(connection)
    }

    private func caller(_ number: Int32, _ peer: SocketAddress, _ listener: Listener) -> Caller? {
        switch listener.entrance {
        case .gateway:
            context.ledger.totals.acceptedGateway += 1
            var caller = Caller(entrance: .gateway, address: peer, dialled: listener.address)
            caller.isSecure = listener.isSecure
            return caller
        case .capture:
            context.ledger.totals.acceptedCaptured += 1
            return OriginReader.caller(number, from: peer, configuration)
        }
    }

    /// What stands between the sockets of a listener and their flows; nil: no more connections can be had there.
    private func tls(_ listener: Listener) -> (client: SecureClient?, ())? {
        guard listener.isSecure else { return (nil, ()) }
        guard let terms = configuration.certificates[listener.address] else { return nil }
        do throws(TLSError) {
            return (try SecureClient(terms, deadline: context.now + UInt64(context.timeouts.head) * 1_000_000), ())
        } catch {
            context.ledger.totals.tlsHandshakeFailures += 1
            return nil
        }
    }

    /// Forgets a connection; both its sockets are closed.
    func remove(_ connection: Connection) {
        guard !connection.isGone, !staysToDrain(connection) else { return }
        connection.isGone = true
        dropUpstream(connection, reusable: false)
        dropHedge(connection)
        connections.remove(connection.token)
        if connections.count == 0 { finishDraining() }
    }

    /// No connection is left: if that was waited for, it is said, once what they left behind is in other hands.
    private func finishDraining() {
        guard let draining, !hasDrained else { return }
        hasDrained = true
        handOverAudit()
        handOverSpans()
        draining.done()
    }

    /// Closes a connection on which nothing is under way.
    func dismiss(_ connection: Connection) {
        if let tls = connection.tls { sayFarewell(connection, tls) }
        remove(connection)
    }

    func drain(_ counter: DrainCounter, isReplaced: Bool) {
        draining = counter
        context.isRetiring = isReplaced
        for listener in listeners { unlisten(listener.id) }
        connections.forEach { connection in
            if isReplaced {
                connection.flow.retire(context)
                arm(connection)
            } else if connection.flow.isQuiet {
                dismiss(connection)
            }
        }
        if connections.count == 0 { finishDraining() }
    }
}
