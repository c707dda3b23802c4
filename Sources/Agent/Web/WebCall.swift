internal import Catalog
internal import Control
private import Glibc

/// A request of the agent's own to a server that is no endpoint, for a thread that can wait for the answer. Redirections
/// are not followed.
struct WebCall: Sendable {
    var method = "GET"
    var address: WebAddress
    /// PEM authorities that the server's certificate is checked with; nil: the system's.
    var caFile: String?
    /// Lines of the head beside those that every request has.
    var headers: [String] = []
    var body: [UInt8] = []
    /// Nanoseconds for all of it but the look-up of the name, which the system limits.
    var timeout: UInt64
    /// Bytes of the answer's body at most; nil: its head is enough.
    var bodyLimit: Int?

    /// Asks one address after the other until one answers.
    func run(_ trust: inout TLSTrust) -> Inquiry.Outcome {
        let deadline = Clocks.monotonic() + timeout
        var last = Inquiry.Outcome.failed(reason: "it has no address")
        switch addresses() {
        case .failure(let reason): return .failed(reason: reason.description)
        case .success(let found):
            for ip in found {
                last = ask(SocketAddress(ip: ip, port: address.port), deadline, &trust)
                if case .replied = last { return last }
            }
        }
        return last
    }

    private func addresses() -> Result<[IPAddress], AgentError> {
        if let literal = IPAddress(address.host) { return .success([literal]) }
        switch NameResolver.addresses(address.host) {
        case .addresses(let found, _): return .success(found)
        case .none(let reason), .unknown(let reason): return .failure(AgentError("\(address.host): \(reason)"))
        }
    }

    private func ask(_ server: SocketAddress, _ deadline: UInt64, _ trust: inout TLSTrust) -> Inquiry.Outcome {
        let plan = InquiryPlan(
            addresses: [server], request: head + body, period: 0, timeout: timeout, bodyLimit: bodyLimit,
            tls: address.tls(caFile: caFile))
        let errand = Errand(purpose: .call, url: address.authority, address: server)
        switch Inquiry.start(errand, plan, at: server, &trust) {
        case .decided(let outcome): return outcome
        case .underWay(let inquiry): return finish(inquiry, deadline)
        }
    }

    private func finish(_ inquiry: Inquiry, _ deadline: UInt64) -> Inquiry.Outcome {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let now = Clocks.monotonic()
            guard now < deadline else { return .failed(reason: "no answer in \(timeout / 1_000_000) ms") }
            var polled = pollfd(fd: inquiry.descriptor, events: inquiry.interest, revents: 0)
            guard poll(&polled, 1, Int32(clamping: (deadline - now) / 1_000_000 + 1)) > 0 else { continue }
            if let outcome = inquiry.advance(&buffer) { return outcome }
        }
    }

    private var head: [UInt8] {
        var lines = [
            "\(method) \(address.target) HTTP/1.1", "Host: \(address.authority)",
            "User-Agent: modelbroker/\(Version.current)", "Accept: */*", "Connection: close",
        ]
        lines += headers
        if !body.isEmpty || method == "POST" { lines.append("Content-Length: \(body.count)") }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }
}
