import Catalog
import Flow
import Reactor
import Routing
import TLS

/// Copies of requests for models on trial: never in the way of the request itself.
extension Worker {
    /// Copies under way at once, and bytes of requests that they hold together.
    static let shadowLimit = 64
    static let shadowBytes = 64 << 20
    /// How long one may take until the end of its answer, in nanoseconds.
    static let shadowTime: UInt64 = 30_000_000_000
    /// Bytes that are encrypted at a time: not more than the socket may take.
    private static let shadowPiece = 64 << 10

    /// Sends a copy; what can't be sent is counted.
    func mirror(
        _ address: SocketAddress, tls: UInt16, route: Int, head: UnsafeRawBufferPointer, body: UnsafeRawBufferPointer
    ) {
        let size = head.count + body.count
        guard draining == nil, shadowCount < Self.shadowLimit, shadowSize + size <= Self.shadowBytes else {
            return context.router.note(.mirrorFailed, route)
        }
        do throws(ConnectFault) {
            let upstream = try open(address, tls: tls, nil)
            var request: [UInt8] = []
            request.reserveCapacity(size)
            request.append(contentsOf: head)
            request.append(contentsOf: body)
            upstream.shadow = Shadow(request, route: Array(context.routes.route(route).name.utf8))
            shadowCount += 1
            shadowSize += size
            upstream.idleDeadline = context.now + Self.shadowTime
            arm(upstream)
        } catch {
            context.router.note(.mirrorFailed, route)
        }
    }

    func shadowReady(_ shadow: Shadow, _ upstream: Upstream, _ ready: Readiness) {
        if !upstream.isConnected {
            switch goOn(opening: upstream, ready) {
            case .underway: return
            case .failed: return end(shadow, upstream, isAnswered: false)
            case .done: upstream.isConnected = true
            }
        }
        if ready.isReadable { upstream.isReadable = true }
        if ready.isHungUp { upstream.isHungUp = true }
        if ready.isReadable, let tls = upstream.tls {
            tls.isReadable = true
            tls.isHungUp = upstream.isHungUp
        }
        goOn(shadow, upstream)
    }

    /// Sends and reads as far as it goes, for one turn.
    func goOn(_ shadow: Shadow, _ upstream: Upstream) {
        // An endpoint may answer, and close, before it has read everything.
        _ = send(shadow, upstream)
        if upstream.tls != nil { upstream.isReadable = true }
        var reads = 0
        while upstream.isReadable {
            guard reads < Self.readsPerTurn else { return queue(shadow, upstream) }
            reads += 1
            let transfer =
                upstream.tls.map { receive(upstream, $0) } ?? Socket.receive(upstream.descriptor.number, into: buffer)
            switch transfer {
            case .bytes(let count):
                let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count])
                switch shadow.answer.take(lend(bytes)) {
                case .unfinished: continue
                case .finished: return end(shadow, upstream, isAnswered: true)
                case .malformed: return end(shadow, upstream, isAnswered: false)
                }
            case .wouldBlock: upstream.isReadable = false
            case .end: return end(shadow, upstream, isAnswered: shadow.answer.atClose == .finished)
            case .failed: return end(shadow, upstream, isAnswered: false)
            }
        }
    }

    private func queue(_ shadow: Shadow, _ upstream: Upstream) {
        guard !shadow.isQueued else { return }
        shadow.isQueued = true
        shadowsAgain.append(upstream)
    }

    /// False: the socket failed.
    private func send(_ shadow: Shadow, _ upstream: Upstream) -> Bool {
        guard flush(&upstream.queue, to: upstream.descriptor.number) else { return false }
        while !shadow.isSent, upstream.queue.isEmpty {
            let transfer = shadow.request.withUnsafeBytes { bytes in
                let rest = UnsafeRawBufferPointer(rebasing: bytes[shadow.sent...])
                guard let tls = upstream.tls else { return Socket.send(upstream.descriptor.number, rest) }
                let piece = UnsafeRawBufferPointer(rebasing: rest[..<min(rest.count, Self.shadowPiece)])
                do throws(TLSError) { try tls.client.write(piece) } catch { return .failed(0) }
                return sendCiphertext(upstream, tls) ? .bytes(piece.count) : .failed(0)
            }
            switch transfer {
            case .bytes(let count): shadowSize -= shadow.advance(count)
            case .wouldBlock: return true
            case .end, .failed: return false
            }
        }
        return true
    }

    /// It is over; nothing of it goes to the pool.
    func end(_ shadow: Shadow, _ upstream: Upstream, isAnswered: Bool) {
        upstream.shadow = nil
        shadowCount -= 1
        shadowSize -= shadow.size
        sayFarewell(upstream)
        upstreams.remove(upstream.token)
        guard !isAnswered else { return }
        let name = shadow.route
        guard let route = context.routes.route(named: name.span) else { return }
        context.router.note(.mirrorFailed, route)
    }

    /// Goes on with those that had more to read than their turn allowed.
    func lookAgainAtShadows() {
        let turn = shadowsAgain
        shadowsAgain.removeAll(keepingCapacity: true)
        for upstream in turn {
            guard let shadow = upstream.shadow else { continue }
            shadow.isQueued = false
            goOn(shadow, upstream)
        }
    }
}
