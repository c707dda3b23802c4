import Flow
import Reactor

/// The caller's socket.
extension Worker {
    func clientReady(_ connection: Connection, _ ready: Readiness) {
        if ready.isWritable, !connection.clientQueue.isEmpty { flushClient(connection) }
        guard ready.isReadable, !connection.isGone else { return }
        connection.clientReadable = true
        connection.tls?.isReadable = true
        if ready.isHungUp { connection.clientHungUp = true }
        if connection.clientPaused, connection.clientHungUp, connection.ending == .none {
            connection.flow.clientHungUp(&context, &out)
            execute(connection, received: nil)
        }
        readClient(connection)
    }

    /// Reads as long as there is something, somebody wants it, and it can go on.
    func readClient(_ connection: Connection) {
        if let tls = connection.tls, tls.state == .shaking { return shakeHands(connection, tls) }
        var reads = 0
        while connection.clientReadable, mayReadClient(connection) {
            guard reads < Self.readsPerTurn else { return queue(connection) }
            reads += 1
            switch receive(connection) {
            case .bytes(let count):
                if count < room(for: connection).count, !connection.clientHungUp, connection.tls == nil {
                    connection.clientReadable = false
                }
                guard connection.ending == .none, count > 0 else { continue }
                let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count])
                connection.flow.received(.client, lend(bytes), &context, &out)
                execute(connection, received: bytes)
            case .wouldBlock: connection.clientReadable = false
            case .end: clientEnded(connection)
            case .failed: clientFailed(connection)
            }
        }
    }

    @inline(__always)
    private func receive(_ connection: Connection) -> Transfer {
        // What nobody reads needs no decryption.
        guard let tls = connection.tls, connection.ending == .none else {
            return Socket.receive(connection.client.number, into: room(for: connection))
        }
        return receive(connection, tls)
    }

    /// Where many wait, and this one may have to, too, no more is read ahead than is needed to know for what.
    private func room(for connection: Connection) -> UnsafeMutableRawBufferPointer {
        guard context.room.isBusy, connection.flow.isCollecting else { return buffer }
        return UnsafeMutableRawBufferPointer(rebasing: buffer[..<Self.gatedRead])
    }

    private func mayReadClient(_ connection: Connection) -> Bool {
        guard !connection.isGone, !connection.isClientGone, !connection.clientEnded else { return false }
        if connection.ending != .none { return connection.ending == .lingering }
        return !connection.clientPaused && connection.upstream?.queue.isEmpty != false
    }

    private func clientEnded(_ connection: Connection) {
        connection.clientEnded = true
        connection.clientReadable = false
        if connection.ending == .lingering { return remove(connection) }
        connection.flow.ended(.client, &context, &out)
        execute(connection, received: nil)
    }

    func clientFailed(_ connection: Connection) {
        connection.clientReadable = false
        if connection.ending != .none { return remove(connection) }
        if let tls = connection.tls, tls.state == .shaking { return handshakeBroke(connection, tls) }
        connection.flow.failed(.client, &context, &out)
        execute(connection, received: nil)
        remove(connection)
    }

    /// Writes on what the socket did not take before.
    private func flushClient(_ connection: Connection) {
        guard flush(&connection.clientQueue, to: connection.client.number) else { return clientFailed(connection) }
        guard connection.clientQueue.isEmpty else { return }
        if connection.finishClientWrites { Socket.shutdownWrite(connection.client.number) }
        if connection.ending != .none { return proceed(connection) }
        readUpstream(connection)
        readHedge(connection)
    }

    /// False when the socket failed.
    func flush(_ queue: inout ByteQueue, to number: Int32) -> Bool {
        while !queue.isEmpty {
            switch queue.withBytes({ Socket.send(number, $0) }) {
            case .bytes(let count): queue.drop(count)
            case .wouldBlock: return true
            case .end, .failed: return false
            }
        }
        return true
    }

    // MARK: - The end of a connection

    /// Begins to end the client's side as the flow asked.
    func end(_ connection: Connection, _ ending: Connection.Ending) {
        guard connection.ending == .none else { return }
        if ending == .close, let tls = connection.tls { sayFarewell(connection, tls) }
        connection.ending = ending
        connection.endingDeadline = context.now + Self.lingerTime
        proceed(connection)
    }

    /// Goes on with an ending once nothing is left to write.
    private func proceed(_ connection: Connection) {
        guard connection.clientQueue.isEmpty else { return arm(connection) }
        switch connection.ending {
        case .none: break
        case .close:
            if connection.clientEnded { return remove(connection) }
            connection.ending = .lingering
            Socket.shutdownWrite(connection.client.number)
            arm(connection)
            queue(connection)
        case .lingering: arm(connection)
        case .abort:
            guard !Socket.isDelivered(connection.client.number), context.now < connection.endingDeadline else {
                return reset(connection)
            }
            // No event tells that the peer has everything: look again at the next tick.
            connection.abortCheck = context.now + TimerWheel.tick
            arm(connection)
        }
    }

    private func reset(_ connection: Connection) {
        Socket.resetOnClose(connection.client.number)
        remove(connection)
    }

    func endingExpired(_ connection: Connection) {
        if connection.ending == .abort {
            connection.abortCheck = 0
            if context.now < connection.endingDeadline { return proceed(connection) }
            return reset(connection)
        }
        remove(connection)
    }
}
