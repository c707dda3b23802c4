import Catalog
import Control
import Flow
import Reactor

/// Listeners and new connections.
extension Worker {
    func open(_ listener: Listener) {
        let token = Token(.listener, slot: listener.id)
        do throws(SystemError) {
            try poller.add(source: listener.descriptor(of: listener.share), token: token.raw)
            listeners.append(listener)
        } catch {
            outbox.log("cannot watch the listener \(listener.address): \(error)")
        }
    }

    /// Accepts what waits, up to a bound: the listener is told again as long as more wait.
    func accept(_ id: Int) {
        guard let listener = listeners.first(where: { $0.id == id }) else { return }
        for _ in 0..<64 {
            do throws(SystemError) {
                guard let socket = try Socket.accept(listener.descriptor(of: listener.share)) else { return }
                begin(socket, listener)
            } catch {
                context.ledger.totals.acceptFailures += 1
                return rest(listener)
            }
        }
    }

    /// No descriptor or memory is left: what waits to be accepted waits on, and the loop does not spin on it.
    private func rest(_ listener: Listener) {
        poller.remove(listener.descriptor(of: listener.share))
        wheel.add(Token(.listener, slot: listener.id).raw, deadline: context.now + Self.acceptRest)
    }

    func acceptAgain(_ id: Int) {
        guard let listener = listeners.first(where: { $0.id == id }) else { return }
        do throws(SystemError) {
            try poller.add(source: listener.descriptor(of: listener.share), token: Token(.listener, slot: id).raw)
        } catch {
            rest(listener)
        }
    }

    private func begin(_ socket: consuming AcceptedSocket, _ listener: Listener) {
        let peer = socket.peer
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
        let connection = Connection(nextConnection, token, client: descriptor, flow: flow, now: context.now)
        nextConnection += loops
        connections.store(connection, token)
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
            return Caller(entrance: .gateway, address: peer, dialled: listener.address)
        case .capture:
            context.ledger.totals.acceptedCaptured += 1
            return OriginReader.caller(number, from: peer, configuration)
        }
    }

    /// Forgets a connection; both its sockets are closed.
    func remove(_ connection: Connection) {
        guard !connection.isGone else { return }
        connection.isGone = true
        dropUpstream(connection, reusable: false)
        dropHedge(connection)
        connections.remove(connection.token)
        if let draining, connections.count == 0 { draining.done() }
    }

    func drain(_ counter: DrainCounter) {
        draining = counter
        listeners = []
        connections.forEach { if $0.flow.isQuiet { remove($0) } }
        if connections.count == 0 { counter.done() }
    }
}
