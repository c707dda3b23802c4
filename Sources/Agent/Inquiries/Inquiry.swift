internal import Catalog
internal import Glibc

/// One question to one server on a connection of its own. The connection is reset as soon as enough of the answer is
/// there, which leaves nothing behind on either side.
final class Inquiry {
    enum Outcome: Hashable, Sendable {
        /// Nothing was to be sent, and the connection stands.
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
        case sending(from: Int)
        case reading
    }

    let errand: Errand
    private let probe: Probe
    private let request: [UInt8]
    private var reader: ReplyReader
    private var stage = Stage.connecting

    var descriptor: Int32 { probe.descriptor }

    /// What to wait for, as poll(2) has it.
    var interest: Int16 {
        if case .reading = stage { return Int16(POLLIN) }
        return Int16(POLLOUT)
    }

    private init(_ errand: Errand, _ probe: Probe, _ plan: InquiryPlan) {
        self.errand = errand
        self.probe = probe
        request = plan.request
        reader = ReplyReader(bodyLimit: plan.bodyLimit)
    }

    static func start(_ errand: Errand, _ plan: InquiryPlan, at address: SocketAddress) -> Start {
        switch Probe.start(address) {
        case .underWay(let probe): return .underWay(Inquiry(errand, probe, plan))
        case .decided(.answered): return .decided(.connected)
        case .decided(.refused(let reason)): return .decided(.failed(reason: reason))
        case .decided(.unknown(let reason)): return .decided(.unknown(reason: reason))
        }
    }

    /// Goes on after the descriptor was reported ready; nil: not done yet.
    ///
    /// - Parameter buffer: to read into.
    func advance(_ buffer: inout [UInt8]) -> Outcome? {
        switch stage {
        case .connecting:
            switch probe.outcome {
            case .answered where request.isEmpty: return .connected
            case .answered: return send(from: 0)
            case .refused(let reason): return .failed(reason: reason)
            case .unknown(let reason): return .unknown(reason: reason)
            }
        case .sending(let sent): return send(from: sent)
        case .reading: return read(&buffer)
        }
    }

    private func send(from start: Int) -> Outcome? {
        let sent = request.withUnsafeBytes { view in
            view.baseAddress.map { Glibc.send(descriptor, $0 + start, view.count - start, Int32(MSG_NOSIGNAL)) } ?? 0
        }
        guard sent >= 0 else { return isTransient ? nil : .failed(reason: SystemError.text(errno)) }
        stage = start + sent < request.count ? .sending(from: start + sent) : .reading
        return nil
    }

    private func read(_ buffer: inout [UInt8]) -> Outcome? {
        let got = recv(descriptor, &buffer, buffer.count, 0)
        guard got >= 0 else { return isTransient ? nil : .failed(reason: SystemError.text(errno)) }
        switch got == 0 ? reader.end() : reader.feed(buffer[..<got]) {
        case .more: return nil
        case .done(let reply): return .replied(reply)
        case .failed(let reason): return .failed(reason: reason)
        }
    }

    private var isTransient: Bool { errno == EAGAIN || errno == EINTR }
}
