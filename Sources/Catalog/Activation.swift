/// How an endpoint's server is started when it is needed, and stopped when it is not.
package struct Activation: Hashable, Sendable {
    package enum Method: Hashable, Sendable {
        /// A program that the agent starts and supervises.
        case exec(EngineProgram)
        /// URLs that are sent an empty POST; answered 2xx, the start or the stop is under way.
        case http(start: String, stop: String?)
        /// A systemd unit's name.
        case unit(String)
    }

    package var method: Method
    /// Milliseconds until the endpoint must be ready.
    package var readyTimeout: Int
    /// Milliseconds without a request after which it is stopped; nil: never.
    package var idleAfter: Int?
    /// Milliseconds that the server has to end by itself.
    package var stopTimeout: Int
    /// Of endpoints with the same one at most one runs at a time: `gpu0`. nil: it runs beside all others.
    package var oneOf: String?

    package init(
        method: Method, readyTimeout: Int = 120_000, idleAfter: Int? = nil, stopTimeout: Int = 30_000, oneOf: String? = nil
    ) {
        self.method = method
        self.readyTimeout = readyTimeout
        self.idleAfter = idleAfter
        self.stopTimeout = stopTimeout
        self.oneOf = oneOf
    }
}

package struct EngineProgram: Hashable, Sendable {
    /// The program's absolute path, and what it gets.
    package var command: [String]
    /// nil: the agent's own, without its capabilities.
    package var user: String?
    package var environment: [String: String]
    /// nil: `/`.
    package var directory: String?

    package init(command: [String], user: String? = nil, environment: [String: String] = [:], directory: String? = nil) {
        self.command = command
        self.user = user
        self.environment = environment
        self.directory = directory
    }
}
