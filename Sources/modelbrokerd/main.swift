internal import Agent
public import ArgumentParser
private import Glibc
public import Logging

extension Logger.Level: @retroactive ExpressibleByArgument {}

struct Modelbrokerd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "modelbrokerd", abstract: "The agent of ModelBroker on this node; needs root.",
        discussion: "Logs to stderr. Ready when /readyz on the admin listener says 200. SIGHUP reads the configuration anew.")

    @Option(name: .long, help: ArgumentHelp("The configuration.", valueName: "file"))
    var config = AgentOptions.defaultConfiguration
    @Option(name: .long, help: ArgumentHelp("Sockets and state.", valueName: "dir"))
    var runDir = AgentOptions.defaultRunDirectory
    @Option(name: .long, help: ArgumentHelp("Pinned maps and links, on a BPF file system.", valueName: "dir"))
    var pinDir = AgentOptions.defaultPinDirectory
    @Option(name: .long, help: ArgumentHelp("What outlives a restart: quotas used, keys made by hand.", valueName: "dir"))
    var stateDir = AgentOptions.defaultStateDirectory
    @Option(name: .long, help: ArgumentHelp("The proxy (default: modelbroker-proxy beside this program).", valueName: "path"))
    var proxy: String?
    @Option(name: .long, help: "How much to log.")
    var logLevel = Logger.Level.info

    /// The start needs a process with one thread, so nothing asynchronous runs before it is through.
    func run() throws {
        LoggingSystem.bootstrap(StreamLogHandler.standardError)
        do {
            let options = AgentOptions(
                configuration: config, runDirectory: runDir, pinDirectory: pinDir, stateDirectory: stateDir, proxy: proxy)
            try Agent.start(options, logger: .agent(logLevel)).runToEnd()
        } catch {
            _ = "modelbrokerd: \(error)\n".withCString { write(STDERR_FILENO, $0, strlen($0)) }
            throw ExitCode.failure
        }
    }
}

Modelbrokerd.main()
