import Catalog
import Control
import Flow
import Glibc
import Reactor
import TLS

/// Pieces to be written to one socket in one system call; the storage is used again.
struct GatherList {
    /// Bytes that one record of TLS holds at most.
    private static let recordSize = 16 << 10

    private(set) var pieces: [iovec] = []
    private var joined: [UInt8] = []

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        pieces.append(iovec(iov_base: UnsafeMutableRawPointer(mutating: base), iov_len: bytes.count))
    }

    mutating func clear() { pieces.removeAll(keepingCapacity: true) }

    /// Gives the bytes to `write` for records of TLS: pieces that go into one record as one.
    mutating func records(_ write: (UnsafeRawBufferPointer) throws(TLSError) -> Void) throws(TLSError) {
        if pieces.count > 1, pieces.reduce(0, { $0 + $1.iov_len }) <= Self.recordSize {
            joined.removeAll(keepingCapacity: true)
            for piece in pieces { joined.append(contentsOf: UnsafeRawBufferPointer(start: piece.iov_base, count: piece.iov_len)) }
            return try joined.withUnsafeBufferPointer { (bytes) throws(TLSError) in try write(UnsafeRawBufferPointer(bytes)) }
        }
        for piece in pieces { try write(UnsafeRawBufferPointer(start: piece.iov_base, count: piece.iov_len)) }
    }
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
                if draining != nil, !context.isRetiring, connection.flow.isQuiet, connection.ending == .none {
                    return dismiss(connection)
                }
                return arm(connection)
            case .connected(let reused): connection.flow.connected(reused: reused, &context, &out)
            case .tokenUnchecked: connection.flow.tokenUnchecked(&context, &out)
            case .connectFailed(let fault): connection.flow.connectFailed(fault.reason, isOurs: fault.isOurs, &context, &out)
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
        case connectFailed(ConnectFault)
        case failed(Leg)
        case tokenUnchecked
    }

    private func finishFailure(_ connection: Connection) {
        for event in out.events { outbox.send(.event(event)) }
        if out.actions.contains(.drainUpstream) { drainUpstream(connection) }
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
                case .failed(let fault): next = .connectFailed(fault)
                }
            case .releaseUpstream(let reusable): release(connection, reusable: reusable)
            case .drainUpstream: drainUpstream(connection)
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
                release(connection, reusable: false)
            case .checkToken(let slice): if !checkToken(connection, slice, received) { next = .tokenUnchecked }
            case .prioritize(let leg, let priority): prioritize(connection, leg, Int32(priority))
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

    /// The flow needs its upstream no more; a connection that was kept for that alone goes with it.
    private func release(_ connection: Connection, reusable: Bool) {
        dropUpstream(connection, reusable: reusable)
        restorePriority(connection)
        if connection.isClientGone { remove(connection) }
    }

    func shutdownWrite(_ connection: Connection, _ leg: Leg) {
        if leg == .client {
            connection.finishClientWrites = true
            if let tls = connection.tls { sayFarewell(connection, tls) }
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
                if leg == .client {
                    if let tls = connection.tls { return sendSecurely(connection, tls) }
                    return send(connection.client.number, &connection.clientQueue)
                }
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
        withBytes(of: head, connection, received) { head in
            withBytes(of: body, connection, received) { mirror(address, tls: tls, route: route, head: head, body: $0) }
        }
    }

    /// Lends the bytes of a slice.
    func withBytes<Result>(
        of slice: Slice, _ connection: Connection, _ received: UnsafeRawBufferPointer?,
        _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        switch slice.source {
        case .received:
            body(UnsafeRawBufferPointer(rebasing: received?[slice.range] ?? UnsafeRawBufferPointer(start: nil, count: 0)[0..<0]))
        case .composed: out.composed.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[slice.range])) }
        case .inbox: connection.flow.inbox.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[slice.range])) }
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
