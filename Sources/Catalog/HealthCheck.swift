/// How the agent asks whether an endpoint is well.
package struct HealthCheck: Hashable, Sendable {
    /// What is asked for; nil: the engine's own path. Empty: no request, a connection is enough.
    package var path: String?
    /// Milliseconds between two questions; 0: it is not asked.
    package var period: Int
    /// Milliseconds for the answer.
    package var timeout: Int
    /// Failures in a row that put it on standby, successes in a row that bring it back.
    package var failures: Int
    package var successes: Int

    package init(path: String? = nil, period: Int = 5_000, timeout: Int = 5_000, failures: Int = 3, successes: Int = 1) {
        self.path = path
        self.period = period
        self.timeout = timeout
        self.failures = failures
        self.successes = successes
    }
}

extension Engine {
    /// Where a server of this kind says that it is ready; empty: a connection is enough.
    package var healthPath: String {
        switch self {
        case .openai: "/v1/models"
        case .kserveV2: "/v2/health/ready"
        case .ollama: "/api/tags"
        case .raw: ""
        }
    }
}

/// A time in which an endpoint is not to be used, again and again: a cron expression for its start, in UTC.
package struct MaintenanceWindow: Hashable, Sendable {
    /// Five fields (minute, hour, day of month, month, day of week), as it was written.
    package var cron: String
    /// Milliseconds.
    package var duration: Int

    package init(cron: String, duration: Int) {
        self.cron = cron
        self.duration = duration
    }
}

/// Asking an endpoint which models it has.
package struct Discovery: Hashable, Sendable {
    /// What becomes of a model that the catalogue does not have.
    package enum OnNew: String, Hashable, Sendable, CaseIterable {
        /// It can be called at once, as a public model without limits.
        case register
        /// It is an event.
        case notify
        case ignore
    }

    /// Milliseconds between two questions.
    package var period: Int
    package var onNew: OnNew

    package init(period: Int = 60_000, onNew: OnNew = .notify) {
        self.period = period
        self.onNew = onNew
    }
}
