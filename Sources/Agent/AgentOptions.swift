package import Logging

/// What the command line tells the agent.
package struct AgentOptions: Hashable, Sendable {
    package static let defaultConfiguration = "/etc/modelbroker/modelbroker.yaml"
    package static let defaultRunDirectory = "/run/modelbroker"
    package static let defaultPinDirectory = "/sys/fs/bpf/modelbroker"
    package static let defaultStateDirectory = "/var/lib/modelbroker"

    package var configuration: String
    package var runDirectory: String
    package var pinDirectory: String
    /// What has been used, and keys made by hand: it outlives a restart of the machine.
    package var stateDirectory: String
    /// The proxy's program; nil: `modelbroker-proxy` beside the agent's own.
    package var proxy: String?

    package init(
        configuration: String = defaultConfiguration, runDirectory: String = defaultRunDirectory,
        pinDirectory: String = defaultPinDirectory, stateDirectory: String = defaultStateDirectory, proxy: String? = nil
    ) {
        self.configuration = configuration
        self.runDirectory = Self.trimmed(runDirectory)
        self.pinDirectory = Self.trimmed(pinDirectory)
        self.stateDirectory = Self.trimmed(stateDirectory)
        self.proxy = proxy
    }

    /// Without slashes at the end.
    private static func trimmed(_ path: String) -> String {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }
}

extension Logger {
    /// The agent's own.
    package static func agent(_ level: Level) -> Logger {
        var logger = Logger(label: "modelbrokerd")
        logger.logLevel = level
        return logger
    }
}
