extension QoSReport {
    /// Connections that the kernel gave a place under this model.
    package struct Connections: Hashable, Sendable, Codable {
        package var open: UInt64 = 0
        /// nil: no limit.
        package var cap: UInt64?
        package var admitted: UInt64 = 0
        /// Over the cap, let pass by observe mode.
        package var observed: UInt64 = 0

        package init() {}
    }

    /// Sockets under this model on this node.
    package struct Sockets: Hashable, Sendable, Codable {
        /// One way that they send.
        package struct Leg: Hashable, Sendable, Codable {
            /// Those that divide the bandwidth.
            package var active: UInt64
            /// What each may send, in bytes by the second; nil: no limit.
            package var share: UInt64?

            package init(active: UInt64 = 0, share: UInt64? = nil) {
                self.active = active
                self.share = share
            }
        }

        package var tagged: UInt64 = 0
        /// Towards endpoints, and towards callers.
        package var requests = Leg()
        package var responses = Leg()
        /// How often the entry was put on a socket, and how often the kernel refused an option.
        package var applied: UInt64 = 0
        package var applyFailed: UInt64 = 0

        package init() {}
    }

    /// What was refused to one client for one reason.
    package struct Refusal: Hashable, Sendable, Codable {
        /// 0: a caller without a client; else 1 + position in the configuration.
        package var client: UInt32
        /// nil: none, or no agent runs to tell.
        package var name: String?
        /// `connect-rate`, `connections`, `access`, `no-endpoint`, `requests` or `tokens`.
        package var reason: String
        package var count: UInt64

        package init(client: UInt32, name: String? = nil, reason: String, count: UInt64) {
            self.client = client
            self.name = name
            self.reason = reason
            self.count = count
        }
    }

    package struct Bytes: Hashable, Sendable, Codable {
        /// Requests, and answers.
        package struct Ways: Hashable, Sendable, Codable {
            package var sent: UInt64
            package var received: UInt64

            package init(sent: UInt64 = 0, received: UInt64 = 0) {
                self.sent = sent
                self.received = received
            }
        }

        /// Through the proxy since it started; nil: it cannot be asked.
        package var proxied: Ways?
        /// On the direct path, as the kernel metered it.
        package var direct: Ways

        package init(proxied: Ways? = nil, direct: Ways = Ways()) {
            self.proxied = proxied
            self.direct = direct
        }
    }
}

extension UInt32 {
    /// How tables show the client of this number.
    package func clientText(_ name: String?) -> String { name ?? (self == 0 ? "none" : "#\(self)") }
}
