/// A web server that the agent tells something by itself.
package struct WebTarget: Hashable, Sendable {
    package struct Header: Hashable, Sendable {
        package var name: String
        /// Treated as a secret, whatever it is.
        package var value: Secret

        package init(name: String, value: Secret) {
            self.name = name
            self.value = value
        }
    }

    package var url: String
    package var headers: [Header]
    /// PEM authorities; nil: the system's.
    package var caFile: String?
    /// Milliseconds for one request.
    package var timeout: Int
    /// Bytes that may wait while the server does not take them.
    package var buffer: Int

    package init(
        url: String, headers: [Header] = [], caFile: String? = nil, timeout: Int = 10_000, buffer: Int = 16 << 20
    ) {
        self.url = url
        self.headers = headers
        self.caFile = caFile
        self.timeout = timeout
        self.buffer = buffer
    }
}

/// A name and what it is, for whom receives it: a label of metrics, an attribute of a resource.
package struct NamedValue: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// Metrics for a receiver of Prometheus' remote write, from nodes that nobody can scrape.
package struct RemoteWrite: Hashable, Sendable {
    package var target: WebTarget
    /// Milliseconds from one snapshot to the next.
    package var interval: Int
    /// What every series has beside its own labels, by name.
    package var labels: [NamedValue]

    package init(target: WebTarget, interval: Int = 60_000, labels: [NamedValue] = []) {
        self.target = target
        self.interval = interval
        self.labels = labels
    }
}

/// Metrics and traces for a collector of OpenTelemetry.
package struct TelemetryExport: Hashable, Sendable {
    /// Its URL without `/v1/traces` and `/v1/metrics`.
    package var target: WebTarget
    /// Attributes of the resource beside the broker's own, by name.
    package var attributes: [NamedValue]
    /// nil: no traces.
    package var traces: Tracing?
    /// Milliseconds from one snapshot to the next; nil: no metrics.
    package var metrics: Int?

    package init(target: WebTarget, attributes: [NamedValue] = [], traces: Tracing? = nil, metrics: Int? = nil) {
        self.target = target
        self.attributes = attributes
        self.traces = traces
        self.metrics = metrics
    }
}

/// Which requests spans are made of.
package struct Tracing: Hashable, Sendable {
    /// Millionths of the requests: of those that belong to no trace yet, or of all.
    package var sample: UInt64
    /// A request that belongs to a trace is sampled if whoever began that said so.
    package var followsParent: Bool

    package init(sample: UInt64 = 10_000, followsParent: Bool = true) {
        self.sample = min(sample, 1_000_000)
        self.followsParent = followsParent
    }
}

/// Where events go beside `modelbroker events`.
package struct EventSinks: Hashable, Sendable {
    package struct File: Hashable, Sendable {
        package var path: String
        /// Rotated when it is larger than so many bytes; `keep` older ones stay.
        package var size: UInt64
        package var keep: Int

        package init(path: String, size: UInt64 = 100 << 20, keep: Int = 5) {
            self.path = path
            self.size = size
            self.keep = keep
        }
    }

    package struct Webhook: Hashable, Sendable {
        package var target: WebTarget
        /// Events of one request, at most.
        package var batch: Int
        /// Milliseconds for which events are gathered.
        package var wait: Int

        package init(target: WebTarget, batch: Int = 100, wait: Int = 1_000) {
            self.target = target
            self.batch = batch
            self.wait = wait
        }
    }

    package var file: File?
    /// The agent's.
    package var standardOutput: Bool
    package var webhook: Webhook?

    package init(file: File? = nil, standardOutput: Bool = false, webhook: Webhook? = nil) {
        self.file = file
        self.standardOutput = standardOutput
        self.webhook = webhook
    }
}
