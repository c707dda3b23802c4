internal import Catalog
internal import Control
private import Glibc
internal import Kubernetes

/// Asks the API server. Belongs to one thread, which a look-up of the server's name can hold up.
struct APIServer {
    /// Seconds after which a connection without a sign of life is looked after, and until it is given up.
    private static let keepAlive: (idle: Int32, interval: Int32, probes: Int32) = (15, 5, 3)

    private let cluster: Cluster
    private let web: WebAddress?
    private var token: ServiceToken
    private var trust = TLSTrust()
    private var addresses: [IPAddress] = []
    /// Requests that failed: which of the addresses is next.
    private var failures = 0

    init(_ cluster: Cluster) {
        self.cluster = cluster
        web = WebAddress(cluster.server)
        token = ServiceToken(file: cluster.tokenFile)
    }

    /// The next request may go elsewhere.
    mutating func failed() {
        failures &+= 1
        addresses = []
    }

    /// GETs a target of the server's.
    mutating func get(_ target: String, _ reader: StreamReader) -> Inquiry.Start {
        guard let web, cluster.fault == nil else {
            return .decided(.failed(reason: cluster.fault ?? "\(cluster.server) is no URL"))
        }
        let line: String?
        do throws(KubernetesFault) {
            line = try token.line()
            if addresses.isEmpty { addresses = try Self.addresses(of: web.host) }
        } catch {
            return .decided(.failed(reason: error.description))
        }
        let address = SocketAddress(ip: addresses[failures % addresses.count], port: web.port)
        let plan = InquiryPlan(
            addresses: [address], request: head("GET", target, web, line), period: 0, timeout: 0,
            tls: web.tls(caFile: cluster.caFile))
        let errand = Errand(purpose: .call, url: cluster.server + target, address: address)
        let start = Inquiry.start(errand, plan, at: address, &trust, reader: reader)
        if case .underWay(let inquiry) = start { Self.watchOver(inquiry.descriptor) }
        return start
    }

    private static func addresses(of host: String) throws(KubernetesFault) -> [IPAddress] {
        if let literal = IPAddress(host) { return [literal] }
        switch NameResolver.addresses(host) {
        case .addresses(let found, _) where !found.isEmpty: return found
        case .addresses: throw KubernetesFault("\(host): no address")
        case .none(let reason), .unknown(let reason): throw KubernetesFault("\(host): \(reason)")
        }
    }

    private func head(_ method: String, _ target: String, _ web: WebAddress, _ authorization: String?) -> [UInt8] {
        var lines = [
            "\(method) \(target) HTTP/1.1", "Host: \(web.authority)", "User-Agent: modelbroker/\(Version.current)",
            "Accept: application/json", "Connection: close",
        ]
        if let authorization { lines.append(authorization) }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    /// A watch may be silent for minutes: that its server is gone shows in nothing else.
    private static func watchOver(_ descriptor: Int32) {
        func set(_ level: Int32, _ name: Int32, _ value: Int32) {
            var value = value
            setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
        }
        set(SOL_SOCKET, SO_KEEPALIVE, 1)
        set(Int32(IPPROTO_TCP), TCP_KEEPIDLE, keepAlive.idle)
        set(Int32(IPPROTO_TCP), TCP_KEEPINTVL, keepAlive.interval)
        set(Int32(IPPROTO_TCP), TCP_KEEPCNT, keepAlive.probes)
    }
}

extension Cluster {
    /// What is missing to ask its server for anything; nil: nothing is.
    fileprivate var fault: String? {
        if server.isEmpty { return "node.kubernetes.server is not set, and neither is KUBERNETES_SERVICE_HOST" }
        if node.isEmpty { return "node.kubernetes.node is not set, and neither is NODE_NAME" }
        return nil
    }
}
