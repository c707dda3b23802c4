internal import Catalog
internal import Glibc
internal import TLS

/// One question to one server on a connection of its own. The connection is reset as soon as enough of the answer is
/// there, which leaves nothing behind on either side.
final class Inquiry {
    enum Outcome: Hashable, Sendable {
        /// Nothing was to be sent, and the connection stands; with TLS the server has proved its name.
        case connected
        case replied(Reply)
        case failed(reason: String)
        /// This node cannot ask now.
        case unknown(reason: String)
    }

    enum Start {
        case underWay(Inquiry)
        case decided(Outcome)
    }

    private enum Stage {
        case connecting
        case handshaking
        case talking
    }

    let errand: Errand
    private let probe: Probe
    private let request: [UInt8]
    private var reader: any AnswerReader
    private var stage = Stage.connecting
    /// nil: without TLS.
    private var tls: TLSClient?
    /// What is still to be sent, as it goes over the wire.
    private var outgoing: [UInt8] = []
    private var sent = 0

    var descriptor: Int32 { probe.descriptor }

    /// What to wait for, as poll(2) has it. A server may answer before it has been told everything.
    var interest: Int16 {
        if case .connecting = stage { return Int16(POLLOUT) }
        return Int16(POLLIN) | (sent < outgoing.count ? Int16(POLLOUT) : 0)
    }

    private init(
        _ errand: Errand, _ probe: Probe, _ plan: InquiryPlan, _ tls: consuming TLSClient?, _ reader: (any AnswerReader)?
    ) {
        self.errand = errand
        self.probe = probe
        self.tls = tls
        request = plan.request
        self.reader = reader ?? ReplyReader(bodyLimit: plan.bodyLimit)
    }

    /// - Parameters:
    ///   - trust: how the server proves its name, where the plan has TLS.
    ///   - reader: what becomes of the answer; nil: it is collected up to the plan's limit.
    static func start(
        _ errand: Errand, _ plan: InquiryPlan, at address: SocketAddress, _ trust: inout TLSTrust,
        reader: (any AnswerReader)? = nil
    ) -> Start {
        let tls: TLSClient?
        do {
            if let wanted = plan.tls { tls = try TLSClient(try trust.context(for: wanted)) } else { tls = nil }
        } catch {
            return .decided(.failed(reason: error.description))
        }
        switch Probe.start(address) {
        case .underWay(let probe): return .underWay(Inquiry(errand, probe, plan, tls, reader))
        case .decided(.answered): return .decided(.connected)
        case .decided(.refused(let reason)): return .decided(.failed(reason: reason))
        case .decided(.unknown(let reason)): return .decided(.unknown(reason: reason))
        }
    }

    /// Goes on after the descriptor was reported ready; nil: not done yet.
    ///
    /// - Parameter buffer: to read into.
    func advance(_ buffer: inout [UInt8]) -> Outcome? {
        do {
            if case .connecting = stage { return try connected() }
            if let outcome = flush() { return outcome }
            return try read(&buffer)
        } catch {
            // The alert that says why, as far as the socket takes it.
            collect()
            _ = flush()
            return .failed(reason: error.description)
        }
    }

    private func connected() throws(TLSError) -> Outcome? {
        switch probe.outcome {
        case .answered: break
        case .refused(let reason): return .failed(reason: reason)
        case .unknown(let reason): return .unknown(reason: reason)
        }
        guard tls == nil else {
            stage = .handshaking
            return try shakeHands() ?? flush()
        }
        guard !request.isEmpty else { return .connected }
        stage = .talking
        outgoing = request
        return flush()
    }

    /// Goes on with the handshake, and says what is to be said when it is over.
    private func shakeHands() throws(TLSError) -> Outcome? {
        let isOver = try tls?.handshake() ?? true
        if isOver {
            guard !request.isEmpty else { return .connected }
            stage = .talking
            try write(request)
        }
        collect()
        return nil
    }

    private func write(_ bytes: [UInt8]) throws(TLSError) {
        let result = bytes.withUnsafeBytes { view in Result { () throws(TLSError) in try tls?.write(view) } }
        try result.get()
    }

    /// Takes over what TLS wants to send.
    private func collect() {
        tls?.withOutput { outgoing += $0 }
    }

    private func flush() -> Outcome? {
        while sent < outgoing.count {
            let count = outgoing.withUnsafeBytes { view in
                view.baseAddress.map { Glibc.send(descriptor, $0 + sent, view.count - sent, Int32(MSG_NOSIGNAL)) } ?? 0
            }
            // A server that has answered and closed is still to be heard.
            guard count >= 0 else { return isTransient || errno == EPIPE ? nil : .failed(reason: SystemError.text(errno)) }
            sent += count
        }
        outgoing.removeAll(keepingCapacity: true)
        sent = 0
        return nil
    }

    private func read(_ buffer: inout [UInt8]) throws(TLSError) -> Outcome? {
        let got = recv(descriptor, &buffer, buffer.count, 0)
        guard got >= 0 else { return isTransient ? nil : .failed(reason: SystemError.text(errno)) }
        guard tls != nil else { return outcome(got == 0 ? reader.end() : reader.feed(buffer[..<got])) }
        // Without a farewell nobody can tell whether that was all.
        guard got > 0 else { return .failed(reason: "closed in the middle of an answer") }
        let fed = buffer.withUnsafeBytes { view in
            Result { () throws(TLSError) in try tls?.feed(UnsafeRawBufferPointer(rebasing: view[..<got])) }
        }
        try fed.get()
        if case .handshaking = stage, let outcome = try shakeHands() { return outcome }
        if case .talking = stage, let outcome = try decrypt(&buffer) { return outcome }
        collect()
        return flush()
    }

    private func decrypt(_ buffer: inout [UInt8]) throws(TLSError) -> Outcome? {
        while true {
            let result = buffer.withUnsafeMutableBytes { view in
                Result { () throws(TLSError) in try tls?.read(into: view) ?? .end }
            }
            switch try result.get() {
            case .needsMore: return nil
            case .end: return outcome(reader.end())
            case .bytes(let count): if let outcome = outcome(reader.feed(buffer[..<count])) { return outcome }
            }
        }
    }

    private func outcome(_ step: ReplyReader.Step) -> Outcome? {
        switch step {
        case .more: nil
        case .done(let reply): .replied(reply)
        case .failed(let reason): .failed(reason: reason)
        }
    }

    private var isTransient: Bool { errno == EAGAIN || errno == EINTR }
}
