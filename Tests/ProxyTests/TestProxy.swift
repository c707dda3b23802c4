import Catalog
import Control
import Glibc
import Reactor

@testable import Proxy

/// Event loops in this process with a gateway on loopback, and the agent's part played by the test.
final class TestProxy {
    private let outbox: Outbox
    /// What came and nobody has asked for yet.
    private var waiting: [ProxyMessage] = []
    private var loops: LoopGroup
    private(set) var settings: ProxySettings
    let gateway: SocketAddress
    /// Where TLS is spoken; there is nobody unless `secure` was given.
    let secureGateway: SocketAddress

    /// - Parameters:
    ///   - former: the proxy before it, whose listeners it takes over; those of TLS excepted.
    ///   - accounts: shared by the agent, with the slots of the catalogue's accounts.
    init(
        _ catalog: Catalog, loops count: Int = 1, secure: TestSecurity? = nil, credentials: Credentials = Credentials(),
        accounts: TestAccounts? = nil, slots: [UInt32] = [], former: TestProxy? = nil
    ) throws {
        outbox = try Outbox()
        loops = try LoopGroup(outbox)
        let probe = try Socket.listen(SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 0))
        gateway = former?.gateway ?? SocketAddress(localOf: probe.number)
        for (listener, sockets) in former?.loops.handOver ?? [] {
            // As they come through a socket: other descriptors for the same.
            loops.take(listener, sockets.map { fcntl($0, F_DUPFD_CLOEXEC, 0) })
        }
        let secureProbe = try Socket.listen(SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 0))
        secureGateway = SocketAddress(localOf: secureProbe.number)
        var catalog = catalog
        catalog.node.listen = []
        catalog.node.gateway = [gateway]
        catalog.node.workers = count
        settings = ProxySettings(generation: 1, catalog: catalog, hostNetnsCookie: 0)
        settings.credentials = credentials
        settings.accountSlots = slots
        if let accounts { loops.adopt(accounts: accounts.descriptor) }
        secure?.put(into: &settings, at: secureGateway)
        try loops.apply(settings)
        _ = waitFor { if case .applied = $0 { $0 } else { nil } }
    }

    deinit { loops.drain(isReplaced: false) }

    /// Puts another catalogue in force, the node's part excepted.
    func reload(_ change: (inout Catalog) -> Void = { _ in }) throws {
        settings.generation += 1
        change(&settings.catalog)
        try loops.apply(settings)
        let generation = settings.generation
        _ = waitFor { if case .applied(generation) = $0 { $0 } else { nil } }
    }

    /// Puts other certificates in force.
    func reload(secure: TestSecurity) throws {
        secure.put(into: &settings, at: secureGateway)
        try reload()
    }

    func reload(credentials: Credentials) throws {
        settings.credentials = credentials
        try reload()
    }

    func reload(accountSlots: [UInt32]) throws {
        settings.accountSlots = accountSlots
        try reload()
    }

    func writeAudit(to descriptor: consuming Descriptor) { loops.writeAudit(to: descriptor) }

    var statistics: ProxyStatistics? {
        guard case .statistics(let statistics)? = ask(.statistics) else { return nil }
        return statistics
    }

    func drain() { loops.drain(isReplaced: false) }
    func retire() { loops.drain(isReplaced: true) }
    var isDrained: Bool { loops.isDrained }
    func carry(_ totals: ProxyTotals) { loops.carry(totals) }
    func take(_ listener: HandedListener, _ sockets: [Int32]) { loops.take(listener, sockets) }

    /// Sockets that accept for the gateway.
    var listeners: [Int32] { loops.handOver.flatMap(\.sockets) }

    func take(_ standings: [EndpointStanding]) { loops.take(standings) }

    func watchDecisions() { loops.watchDecisions(true) }

    func ask(_ query: ProxyQuery) -> ProxyReport? {
        loops.ask(7, query)
        let message = waitFor { if case .report(id: 7, _) = $0 { $0 } else { nil } }
        guard case .report(_, let report)? = message else { return nil }
        return report
    }

    /// The next message that is wanted, for up to ten seconds; the others wait until they are.
    func waitFor(_ isWanted: (ProxyMessage) -> ProxyMessage?) -> ProxyMessage? {
        let deadline = MonotonicClock.now() + 10_000_000_000
        while MonotonicClock.now() < deadline {
            waiting += outbox.takeAll()
            if let place = waiting.firstIndex(where: { isWanted($0) != nil }) { return waiting.remove(at: place) }
            var polled = pollfd(fd: outbox.descriptor, events: Int16(POLLIN), revents: 0)
            _ = poll(&polled, 1, 100)
        }
        return nil
    }

    func event(_ kind: ProxyEvent.Kind) -> ProxyEvent? {
        let message = waitFor { message in
            guard case .event(let event) = message, event.kind == kind else { return nil }
            return message
        }
        guard case .event(let event)? = message else { return nil }
        return event
    }
}

/// What a secure gateway shows and asks for.
struct TestSecurity {
    var chain: String
    var key: String
    var authorities: String?
    var certificates = SecureListener.ClientCertificates.off

    fileprivate func put(into settings: inout ProxySettings, at address: SocketAddress) {
        settings.catalog.node.secureGateway = [
            SecureListener(
                address: address, certificateFile: "", keyFile: "", clientAuthorityFile: authorities.map { _ in "" },
                clientCertificates: certificates)
        ]
        settings.credentials.certificates = [
            ListenerCertificate(address: address, chain: chain, key: Secret(key), clientAuthorities: authorities)
        ]
    }
}

/// As `recv`, and again where the process was only stopped meanwhile: with a time-out set the kernel says so (signal(7)).
func received(into buffer: inout [UInt8], from socket: Int32) -> Int {
    while true {
        let count = recv(socket, &buffer, buffer.count, 0)
        if count >= 0 || errno != EINTR { return count }
    }
}

/// A caller of the gateway.
struct TestCaller: ~Copyable {
    private let socket: Int32

    init(_ address: SocketAddress) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var timeout = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        let result = address.withSockaddr { Glibc.connect(socket, $0, $1) }
        guard result == 0 else {
            let code = errno
            _ = Glibc.close(socket)
            throw SystemError("connect", code)
        }
    }

    deinit { _ = Glibc.close(socket) }

    func send(_ text: String) {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress?.advanced(by: sent), $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    func post(_ model: String, _ content: String = "hello", fields: String = "") {
        let body = "{\"model\":\"\(model)\",\"messages\":[{\"role\":\"user\",\"content\":\"\(content)\"}]}"
        send(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\(fields)"
                + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    /// All that comes until `isEnough`, and whether the connection then is as it was, at its end, or broken.
    func receive(until isEnough: (String) -> Bool) -> (text: String, end: End) {
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while !isEnough(String(decoding: text, as: UTF8.self)) {
            let count = received(into: &buffer, from: socket)
            guard count > 0 else { return (String(decoding: text, as: UTF8.self), count == 0 ? .closed : .broken) }
            text += buffer[..<count]
        }
        return (String(decoding: text, as: UTF8.self), .open)
    }

    enum End: Equatable { case open, closed, broken }

    /// One exchange; the answer's body is known to end with `mark`.
    func ask(_ model: String, _ mark: String) -> String {
        post(model)
        return receive { $0.hasSuffix(mark) }.text
    }
}

extension TestEngine {
    /// As an endpoint of a catalogue.
    func endpoint(tls: EndpointTLS? = nil) -> Endpoint {
        Endpoint(
            host: address.ip.description, port: address.port, authority: address.description, addresses: [address], tls: tls)
    }
}
