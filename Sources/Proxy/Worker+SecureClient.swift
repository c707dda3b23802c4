import Catalog
import Control
import Flow
import Identity
import Reactor
import TLS

/// TLS between a caller's socket and its flow.
extension Worker {
    /// Goes on with the handshake; once it is over the flow gets what comes.
    func shakeHands(_ connection: Connection, _ tls: SecureClient) {
        var reads = 0
        do throws(TLSError) {
            while !(try tls.server.handshake()) {
                guard sendCiphertext(connection, tls) else { return handshakeBroke(connection, tls) }
                guard tls.isReadable else { return }
                guard reads < Self.readsPerTurn else { return queue(connection) }
                reads += 1
                switch try receiveCiphertext(connection, tls) {
                case .bytes:
                    if tls.state == .broken { return }
                case .wouldBlock: return
                case .end, .failed: return handshakeBroke(connection, tls)
                }
            }
            guard sendCiphertext(connection, tls) else { return handshakeBroke(connection, tls) }
            try begin(connection, tls)
        } catch {
            // An alert says why to the caller, too.
            _ = sendCiphertext(connection, tls)
            handshakeFailed(connection, tls, error)
        }
        if tls.state == .open { readClient(connection) }
    }

    /// Brings ciphertext from the socket to the machine, unless the first of it is HTTP without TLS.
    private func receiveCiphertext(_ connection: Connection, _ tls: SecureClient) throws(TLSError) -> Transfer {
        let transfer = Socket.receive(connection.client.number, into: buffer)
        switch transfer {
        case .bytes(let count):
            if count < buffer.count, !connection.clientHungUp { tls.isReadable = false }
            if !tls.hasSpoken, UInt8(ascii: "A")...UInt8(ascii: "Z") ~= buffer[0] {
                answerPlainly(connection, tls)
                return transfer
            }
            tls.hasSpoken = true
            try tls.server.feed(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count]))
        case .wouldBlock: tls.isReadable = false
        case .end, .failed: break
        }
        return transfer
    }

    /// The flow begins anew, with what is known of the caller now.
    private func begin(_ connection: Connection, _ tls: SecureClient) throws(TLSError) {
        let peer = try tls.server.peer()
        context.ledger.totals.tlsHandshakes += 1
        tls.state = .open
        connection.flow = Flow(connection.flow.caller, &context)
        if let peer { connection.flow.presented(CertificateFacts(subject: peer.subject, names: peer.names)) }
        arm(connection)
    }

    // MARK: - Handshakes that come to nothing

    /// Says in clear text what should have been done.
    private func answerPlainly(_ connection: Connection, _ tls: SecureClient) {
        context.ledger.totals.tlsHandshakeFailures += 1
        tls.state = .broken
        let body =
            #"{"error":{"message":"This port speaks TLS only: use https.","type":"invalid_request_error","param":null,"code":"tls_required"}}"#
        let answer =
            "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
            + "Connection: close\r\n\r\n\(body)"
        let bytes = Array(answer.utf8)
        guard bytes.withUnsafeBytes({ send($0, connection.client.number, &connection.clientQueue) }) else {
            return remove(connection)
        }
        end(connection, .close)
    }

    private func handshakeFailed(_ connection: Connection, _ tls: SecureClient, _ error: TLSError) {
        context.ledger.totals.tlsHandshakeFailures += 1
        tls.state = .broken
        if error.kind == .certificate, let leftOut = handshakeReports.pass(now: context.now) {
            let event = ProxyEvent(
                kind: .authenticationFailed, address: connection.flow.caller.address, reason: "certificate",
                detail: error.description, leftOut: leftOut)
            outbox.send(.event(event))
        }
        end(connection, .close)
    }

    /// The socket failed, or ended, in the middle of the handshake.
    func handshakeBroke(_ connection: Connection, _ tls: SecureClient) {
        context.ledger.totals.tlsHandshakeFailures += 1
        tls.state = .broken
        remove(connection)
    }

    func handshakeExpired(_ connection: Connection, _ tls: SecureClient) { handshakeBroke(connection, tls) }

    // MARK: - Bytes

    /// Reads plaintext into the loop's buffer. That the connection ends is an end whether the caller announced it or not: a
    /// request says itself how long it is. No bytes: what came was the protocol's own, and there may be more; whoever sends
    /// nothing but that has no longer a turn than others.
    func receive(_ connection: Connection, _ tls: SecureClient) -> Transfer {
        var hasReceived = false
        do throws(TLSError) {
            while true {
                let read = try tls.server.read(into: buffer)
                if tls.server.hasOutput, !sendUnasked(connection, tls) { return .failed(0) }
                switch read {
                case .bytes(let count): return .bytes(count)
                case .end: return .end
                case .needsMore: break
                }
                guard tls.isReadable else { return .wouldBlock }
                guard !hasReceived else { return .bytes(0) }
                hasReceived = true
                let transfer = try receiveCiphertext(connection, tls)
                guard case .bytes = transfer else { return transfer }
            }
        } catch {
            _ = sendCiphertext(connection, tls)
            return .failed(0)
        }
    }

    /// Sends what the protocol answers by itself. False: it failed, or the caller makes it answer and does not listen.
    private func sendUnasked(_ connection: Connection, _ tls: SecureClient) -> Bool {
        let before = connection.clientQueue.isEmpty ? 0 : connection.clientQueue.count
        if before == 0 { tls.unasked = 0 }
        guard sendCiphertext(connection, tls) else { return false }
        tls.unasked += max(0, connection.clientQueue.count - before)
        return tls.unasked <= SecureClient.unaskedLimit
    }

    /// Encrypts what was gathered and sends it. False: the connection failed.
    func sendSecurely(_ connection: Connection, _ tls: SecureClient) -> Bool {
        do throws(TLSError) {
            try gather.records { (bytes) throws(TLSError) in try tls.server.write(bytes) }
        } catch {
            return false
        }
        return sendCiphertext(connection, tls)
    }

    /// Sends what the machine has ready, and keeps what the socket does not take. False: it failed.
    private func sendCiphertext(_ connection: Connection, _ tls: SecureClient) -> Bool {
        var works = true
        let number = connection.client.number
        tls.server.withOutput { works = send($0, number, &connection.clientQueue) }
        return works
    }

    /// Tells the caller that no more will be sent: never after an answer that broke.
    func sayFarewell(_ connection: Connection, _ tls: SecureClient) {
        guard tls.state == .open, !tls.hasSaidFarewell else { return }
        tls.hasSaidFarewell = true
        tls.server.close()
        _ = sendCiphertext(connection, tls)
    }
}
