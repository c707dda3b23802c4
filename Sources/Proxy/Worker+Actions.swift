import Catalog
import Control
import Flow
import Glibc
import Reactor

/// Pieces to be written to one socket in one system call; the storage is used again.
struct GatherList {
    private(set) var pieces: [iovec] = []

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        pieces.append(iovec(iov_base: UnsafeMutableRawPointer(mutating: base), iov_len: bytes.count))
    }

    mutating func clear() { pieces.removeAll(keepingCapacity: true) }
}

/// Carrying out what a flow asks for.
extension Worker {
    /// Carries out everything in `out`, and what follows from it, until the flow has no more wishes.
    func execute(_ connection: Connection, received: UnsafeRawBufferPointer?) {
        var received = received
        while true {
            for event in out.events { outbox.send(.event(event)) }
            let next = carryOut(connection, received)
            out.clear()
            received = nil
            guard !connection.isGone else { return }
            switch next {
            case .none:
                if draining != nil, connection.flow.isQuiet, connection.ending == .none { return remove(connection) }
                return arm(connection)
            case .connected(let reused): connection.flow.connected(reused: reused, &context, &out)
            case .connectFailed(let reason): connection.flow.connectFailed(reason, &context, &out)
            case .failed(.client):
                connection.flow.failed(.client, &context, &out)
                return finishFailure(connection)
            case .failed(.upstream):
                connection.upstream?.hasEnded = true
                connection.flow.failed(.upstream, &context, &out)
            case .failed(.hedge):
                connection.hedge?.hasEnded = true
                connection.flow.failed(.hedge, &context, &out)
            }
        }
    }

    /// What the flow must be told after its actions were carried out.
    private enum Next {
        case none
        case connected(reused: Bool)
        case connectFailed(String)
        case failed(Leg)
    }

    private func finishFailure(_ connection: Connection) {
        for event in out.events { outbox.send(.event(event)) }
        out.clear()
        remove(connection)
    }

    private func carryOut(_ connection: Connection, _ received: UnsafeRawBufferPointer?) -> Next {
        var next = Next.none
        var index = 0
        while index < out.actions.count {
            switch out.actions[index] {
            case .write(let leg, _):
                var end = index + 1
                while end < out.actions.count, case .write(leg, _) = out.actions[end] { end += 1 }
                if !write(connection, leg, index..<end, received) { next = .failed(leg) }
                index = end
                continue
            case .connect(let address, let policy, let tls):
                switch connect(connection, address, policy, tls: tls) {
                case .connected(let reused): next = .connected(reused: reused)
                case .underway: break
                case .failed(let reason): next = .connectFailed(reason)
                }
            case .releaseUpstream(let reusable): dropUpstream(connection, reusable: reusable)
            case .shutdownWrite(let leg): shutdownWrite(connection, leg)
            case .close: end(connection, .close)
            case .abort(.client): end(connection, .abort)
            case .connectHedge(let address, let tls): connectHedge(connection, address, tls: tls)
            case .promoteHedge: promoteHedge(connection)
            case .releaseHedge, .abort(.hedge): dropHedge(connection)
            case .mirror(let address, let tls, let route, let head, let body):
                mirror(address, tls: tls, route: route, head, body, connection, received)
            case .abort(.upstream):
                if let upstream = connection.upstream { Socket.resetOnClose(upstream.descriptor.number) }
                dropUpstream(connection, reusable: false)
            case .tag(let leg, let model, let active): tag(connection, leg, model, active)
            case .pauseClient: connection.clientPaused = true
            case .resumeClient:
                connection.clientPaused = false
                if connection.clientReadable { queue(connection) }
            }
            index += 1
        }
        return next
    }

    private func shutdownWrite(_ connection: Connection, _ leg: Leg) {
        if leg == .client {
            connection.finishClientWrites = true
            if connection.clientQueue.isEmpty { Socket.shutdownWrite(connection.client.number) }
        } else if let upstream = connection.side(leg) {
            sayFarewell(upstream)
            upstream.finishWrites = true
            if upstream.queue.isEmpty { Socket.shutdownWrite(upstream.descriptor.number) }
        }
    }

    /// Writes the pieces of a run of actions in one call, and keeps what the socket does not take. False: it failed.
    private func write(_ connection: Connection, _ leg: Leg, _ run: Range<Int>, _ received: UnsafeRawBufferPointer?) -> Bool {
        out.composed.withUnsafeBytes { composed in
            connection.flow.inbox.withUnsafeBytes { inbox in
                gather.clear()
                for index in run {
                    guard case .write(_, let slice) = out.actions[index] else { continue }
                    switch slice.source {
                    case .received: if let received { gather.append(.init(rebasing: received[slice.range])) }
                    case .composed: gather.append(.init(rebasing: composed[slice.range]))
                    case .inbox: gather.append(.init(rebasing: inbox[slice.range]))
                    }
                }
                if leg == .client { return send(connection.client.number, &connection.clientQueue) }
                guard let upstream = connection.side(leg) else { return true }
                if let tls = upstream.tls { return sendSecurely(upstream, tls) }
                return send(upstream.descriptor.number, &upstream.queue)
            }
        }
    }

    private func mirror(
        _ address: SocketAddress, tls: UInt16, route: Int, _ head: Slice, _ body: Slice, _ connection: Connection,
        _ received: UnsafeRawBufferPointer?
    ) {
        out.composed.withUnsafeBytes { composed in
            connection.flow.inbox.withUnsafeBytes { inbox in
                func bytes(_ slice: Slice) -> UnsafeRawBufferPointer {
                    switch slice.source {
                    case .received: UnsafeRawBufferPointer(rebasing: received?[slice.range] ?? composed[0..<0])
                    case .composed: UnsafeRawBufferPointer(rebasing: composed[slice.range])
                    case .inbox: UnsafeRawBufferPointer(rebasing: inbox[slice.range])
                    }
                }
                mirror(address, tls: tls, route: route, head: bytes(head), body: bytes(body))
            }
        }
    }

    private func send(_ number: Int32, _ queue: inout ByteQueue) -> Bool {
        var written = 0
        if queue.isEmpty {
            switch gather.pieces.withUnsafeBufferPointer({ $0.count == 1 ? sendOne(number, $0[0]) : Socket.send(number, $0) }) {
            case .bytes(let count): written = count
            case .wouldBlock: break
            case .end, .failed: return false
            }
        }
        for piece in gather.pieces {
            if written >= piece.iov_len {
                written -= piece.iov_len
                continue
            }
            let bytes = UnsafeRawBufferPointer(start: piece.iov_base, count: piece.iov_len)
            queue.append(.init(rebasing: bytes[written...]))
            written = 0
        }
        return true
    }

    private func sendOne(_ number: Int32, _ piece: iovec) -> Transfer {
        Socket.send(number, UnsafeRawBufferPointer(start: piece.iov_base, count: piece.iov_len))
    }
}
