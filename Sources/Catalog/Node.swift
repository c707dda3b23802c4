/// Where and how the broker runs on its node.
package struct Node: Hashable, Sendable {
    /// Who starts the proxy: the agent, or something else (systemd, a second container).
    package enum ProxyLaunch: String, Hashable, Sendable, CaseIterable { case spawn, external }

    /// Subtree to capture: a path below the cgroup v2 mount.
    package var cgroup: String
    /// Cgroup of the broker itself, exempt from capture; nil: `modelbroker` below `cgroup`. The agent runs in
    /// `agent` and the proxy in `proxy` below it.
    package var brokerCgroup: String?
    /// Capture listeners in the host's network namespace: at most one of each family.
    package var listen: [SocketAddress]
    /// Addresses by which callers of other network namespaces reach the capture listeners: at most one of each family.
    package var podAddresses: [IPAddress]
    /// Explicit entrance for callers that are not captured.
    package var gateway: [SocketAddress]
    /// The same with TLS.
    package var secureGateway: [SecureListener]
    package var admin: SocketAddress
    package var proxy: ProxyLaunch
    /// The unprivileged user that the proxy runs as.
    package var user: String
    /// Event loops of the proxy; 0: one for each core.
    package var workers: Int
    package var timeouts: Timeouts
    /// How long a proxy that has been replaced may take to end what is under way, in milliseconds.
    package var drain: Int
    /// Largest request body in bytes.
    package var maxBody: Int
    /// The device whose queueing the agent sets up; nil: none is touched.
    package var qdisc: Qdisc?
    /// The cluster whose node this is; nil: none, or none that is asked.
    package var kubernetes: Cluster?
    /// Who is told what happens here; nil: nobody. The proxy knows of none of it but `otlp.traces`.
    package var remoteWrite: RemoteWrite?
    package var otlp: TelemetryExport?
    package var events: EventSinks?

    package init(
        cgroup: String = "/", brokerCgroup: String? = nil,
        listen: [SocketAddress] = [
            SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 15001),
            SocketAddress(ip: IPAddress(family: .v6, high: 0, low: 1), port: 15001),
        ],
        podAddresses: [IPAddress] = [], gateway: [SocketAddress] = [], secureGateway: [SecureListener] = [],
        admin: SocketAddress = SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 15020),
        proxy: ProxyLaunch = .spawn, user: String = "nobody", workers: Int = 0, timeouts: Timeouts = Timeouts(),
        drain: Int = 300_000, maxBody: Int = 32 << 20, qdisc: Qdisc? = nil, kubernetes: Cluster? = nil,
        remoteWrite: RemoteWrite? = nil, otlp: TelemetryExport? = nil, events: EventSinks? = nil
    ) {
        self.cgroup = cgroup
        self.brokerCgroup = brokerCgroup
        self.listen = listen
        self.podAddresses = podAddresses
        self.gateway = gateway
        self.secureGateway = secureGateway
        self.admin = admin
        self.proxy = proxy
        self.user = user
        self.workers = workers
        self.timeouts = timeouts
        self.drain = drain
        self.maxBody = maxBody
        self.qdisc = qdisc
        self.kubernetes = kubernetes
        self.remoteWrite = remoteWrite
        self.otlp = otlp
        self.events = events
    }

    /// The path of the broker's own cgroup below the cgroup v2 mount.
    package var effectiveBrokerCgroup: String {
        brokerCgroup ?? (cgroup == "/" ? "/modelbroker" : cgroup + "/modelbroker")
    }
}

/// An HTB tree that the agent builds on a network device, with a class for each model.
package struct Qdisc: Hashable, Sendable {
    package var device: String
    /// Bytes per second of the whole device.
    package var rate: UInt64

    package init(device: String, rate: UInt64) {
        self.device = device
        self.rate = rate
    }
}

/// How long the proxy waits for what, in milliseconds.
package struct Timeouts: Hashable, Sendable {
    /// From the first byte of a request head to its last.
    package var head: Int
    /// Between two pieces of a request body.
    package var bodyIdle: Int
    /// An idle kept-alive client connection.
    package var keepAlive: Int
    /// To connect to an endpoint.
    package var connect: Int
    /// For the next byte of an endpoint's response.
    package var response: Int
    /// An idle pooled connection to an endpoint.
    package var upstreamIdle: Int
    /// How long a captured connection may stay silent before it is relayed as opaque.
    package var sniff: Int

    package init(
        head: Int = 10_000, bodyIdle: Int = 30_000, keepAlive: Int = 120_000, connect: Int = 5_000,
        response: Int = 600_000, upstreamIdle: Int = 30_000, sniff: Int = 1_000
    ) {
        self.head = head
        self.bodyIdle = bodyIdle
        self.keepAlive = keepAlive
        self.connect = connect
        self.response = response
        self.upstreamIdle = upstreamIdle
        self.sniff = sniff
    }
}

/// An entrance with TLS.
package struct SecureListener: Hashable, Sendable {
    /// Whether callers are asked for certificates of their own.
    package enum ClientCertificates: String, Hashable, Sendable, CaseIterable { case off, optional, required }

    package var address: SocketAddress
    /// PEM files: the certificate with those that lead to the root, and its private key.
    package var certificateFile: String
    package var keyFile: String
    /// PEM file of authorities whose certificates prove a caller; nil: `off`.
    package var clientAuthorityFile: String?
    package var clientCertificates: ClientCertificates

    package init(
        address: SocketAddress, certificateFile: String, keyFile: String, clientAuthorityFile: String? = nil,
        clientCertificates: ClientCertificates = .off
    ) {
        self.address = address
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.clientAuthorityFile = clientAuthorityFile
        self.clientCertificates = clientCertificates
    }
}
