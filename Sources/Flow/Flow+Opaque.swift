import Catalog
import Control
import HTTPWire
import Telemetry

/// A connection that is passed on as it is.
extension Flow {
    enum OpaqueReason: Hashable {
        case guess(ProtocolSniffer.Guess)
        /// Nothing was said for a second: the server speaks first.
        case silent
    }

    /// Passes the connection on as it is, or closes it where the rule forbids that.
    mutating func becomeOpaque(_ reason: OpaqueReason, _ context: inout FlowContext, _ out: inout FlowOutput) {
        let isRelayed = caller.opaque == .relay && caller.canReachDialled
        context.ledger.totals.opaque += 1
        out.events.append(event(isRelayed ? .opaque : .refused, description(of: reason)))
        guard isRelayed else {
            phase = .closing
            return out.add(.abort(.client))
        }
        course = .dialled
        isOpaque = true
        phase = .connecting
        connect(to: caller.dialled, .own, tls: 0, &context, &out)
    }

    private func description(of reason: OpaqueReason) -> String {
        guard case .guess(let guess) = reason else { return "silent" }
        if guess == .tls, let name = ClientHello.serverName(inbox.span) { return "tls sni=\(name)" }
        return guess.description
    }

    func event(_ kind: ProxyEvent.Kind, _ detail: String, address: SocketAddress? = nil, reason: String = "") -> ProxyEvent {
        ProxyEvent(
            kind: kind, model: model, client: client, pid: caller.pid, cgroup: caller.cgroup,
            address: address ?? caller.dialled, reason: reason, detail: detail)
    }
}
