import Catalog
import Glibc
import Reactor
import TLS

/// What one event loop holds of the terms of TLS, by the number that flows know them by.
struct TLSTable {
    /// Servers whose sessions are kept, at most.
    private static let sessionLimit = 4096

    private struct Server: Hashable {
        var address: SocketAddress
        var number: UInt16
    }

    private var terms: [TLSTerms] = []
    private var sessions: [Server: TLSSessionSlot] = [:]

    /// Takes up terms in the order of their numbers, from 1 on; returns the numbers that mean something else now.
    mutating func adopt(_ new: [TLSTerms]) -> [UInt16] {
        let changed = terms.indices.filter { $0 >= new.count || !terms[$0].isSame(as: new[$0]) }.map { UInt16($0 + 1) }
        terms = new
        if !changed.isEmpty { sessions = sessions.filter { !changed.contains($0.key.number) } }
        return changed
    }

    /// The client's end of a connection to `address`.
    mutating func leg(_ number: UInt16, to address: SocketAddress) throws(ConnectFault) -> TLSLeg {
        guard number > 0, Int(number) <= terms.count else { throw ConnectFault("TLS to it is not configured any more") }
        switch terms[Int(number) - 1] {
        case .unusable(let reason): throw ConnectFault(reason)
        case .usable(let context):
            do throws(TLSError) {
                return try TLSLeg(context, slot(Server(address: address, number: number)))
            } catch {
                throw ConnectFault(error.description)
            }
        }
    }

    private mutating func slot(_ server: Server) -> TLSSessionSlot {
        if let slot = sessions[server] { return slot }
        if sessions.count >= Self.sessionLimit { sessions = [:] }
        let slot = TLSSessionSlot()
        sessions[server] = slot
        return slot
    }
}

/// Why a connection can't be had.
struct ConnectFault: Error {
    let reason: String
    /// For want of something here: it says nothing of the server.
    let isOurs: Bool

    init(_ reason: String) {
        self.reason = reason
        isOurs = false
    }

    init(_ error: SystemError) {
        reason = error.reason
        isOurs = Self.ours.contains(error.code)
    }

    private static let ours: [Int32] = [EMFILE, ENFILE, ENOBUFS, ENOMEM]
}

/// TLS between an upstream's socket and its user.
extension Worker {
    /// How a connection that is being opened stands.
    enum Opening {
        case underway
        case done
        case failed(String)
    }

    /// Goes on with opening a connection: TCP's part, then TLS's.
    func goOn(opening upstream: Upstream, _ ready: Readiness) -> Opening {
        guard let tls = upstream.tls else { return settleConnect(upstream, ready) }
        if !tls.isOpen {
            let outcome = settleConnect(upstream, ready)
            guard case .done = outcome else { return outcome }
            tls.isOpen = true
        }
        if ready.isReadable { tls.isReadable = true }
        if ready.isHungUp { tls.isHungUp = true }
        if ready.isWritable, !flush(&upstream.queue, to: upstream.descriptor.number) { return .failed("connection reset") }
        return shakeHands(upstream, tls)
    }

    private func settleConnect(_ upstream: Upstream, _ ready: Readiness) -> Opening {
        guard ready.isWritable else { return .underway }
        let code = Socket.connectError(upstream.descriptor.number)
        return code == 0 ? .done : .failed(SystemError("connect", code).reason)
    }

    private func shakeHands(_ upstream: Upstream, _ tls: TLSLeg) -> Opening {
        while true {
            do throws(TLSError) {
                let isOver = try tls.client.handshake()
                guard sendCiphertext(upstream, tls) else { return .failed("connection reset during the TLS handshake") }
                if isOver { return .done }
                guard tls.isReadable else { return .underway }
                switch try receiveCiphertext(upstream, tls) {
                case .bytes: continue
                case .wouldBlock: return .underway
                case .end: return .failed("closed the connection during the TLS handshake")
                case .failed: return .failed("connection reset during the TLS handshake")
                }
            } catch {
                // An alert says why to the server's operator, too.
                _ = sendCiphertext(upstream, tls)
                return .failed(error.description)
            }
        }
    }

    /// Brings ciphertext from the socket to the machine.
    private func receiveCiphertext(_ upstream: Upstream, _ tls: TLSLeg) throws(TLSError) -> Transfer {
        let transfer = Socket.receive(upstream.descriptor.number, into: buffer)
        switch transfer {
        case .bytes(let count):
            if count < buffer.count, !tls.isHungUp { tls.isReadable = false }
            try tls.client.feed(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count]))
        case .wouldBlock: tls.isReadable = false
        case .end, .failed: break
        }
        return transfer
    }

    /// Reads plaintext into the loop's buffer. The end of the connection is one only if the server announced it: else
    /// somebody may have cut off what a body that lasts until the close still had to come.
    func receive(_ upstream: Upstream, _ tls: TLSLeg) -> Transfer {
        do throws(TLSError) {
            while true {
                let read = try tls.client.read(into: buffer)
                if tls.client.hasOutput, !sendCiphertext(upstream, tls) { return .failed(0) }
                switch read {
                case .bytes(let count): return .bytes(count)
                case .end:
                    tls.hasFarewell = true
                    return .end
                case .needsMore: break
                }
                guard tls.isReadable else { return .wouldBlock }
                switch try receiveCiphertext(upstream, tls) {
                case .bytes: continue
                case .wouldBlock: return .wouldBlock
                case .end: return .failed(0)
                case .failed(let code): return .failed(code)
                }
            }
        } catch {
            _ = sendCiphertext(upstream, tls)
            return .failed(0)
        }
    }

    /// Encrypts what was gathered and sends it. False: the connection failed.
    func sendSecurely(_ upstream: Upstream, _ tls: TLSLeg) -> Bool {
        do throws(TLSError) {
            try gather.records { (bytes) throws(TLSError) in try tls.client.write(bytes) }
        } catch {
            return false
        }
        return sendCiphertext(upstream, tls)
    }

    /// Sends what the machine has ready, and keeps what the socket does not take. False: it failed.
    func sendCiphertext(_ upstream: Upstream, _ tls: TLSLeg) -> Bool {
        var works = true
        let number = upstream.descriptor.number
        tls.client.withOutput { works = send($0, number, &upstream.queue) }
        return works
    }

    /// Sends bytes behind those that wait already, and keeps what the socket does not take. False: it failed.
    func send(_ bytes: UnsafeRawBufferPointer, _ number: Int32, _ queue: inout ByteQueue) -> Bool {
        var written = 0
        if queue.isEmpty {
            switch Socket.send(number, bytes) {
            case .bytes(let count): written = count
            case .wouldBlock: break
            case .end, .failed: return false
            }
        }
        if written < bytes.count { queue.append(UnsafeRawBufferPointer(rebasing: bytes[written...])) }
        return true
    }

    /// Tells the server that no more will be sent.
    func sayFarewell(_ upstream: Upstream) {
        guard let tls = upstream.tls, upstream.isConnected, !upstream.hasEnded else { return }
        tls.client.close()
        _ = sendCiphertext(upstream, tls)
    }

    /// Whether a connection in the pool that has become readable can stay there: servers send tickets when they like.
    func staysIdle(_ upstream: Upstream, _ ready: Readiness) -> Bool {
        guard let tls = upstream.tls, !ready.isHungUp else { return false }
        tls.isReadable = true
        guard case .wouldBlock = receive(upstream, tls) else { return false }
        return true
    }
}
