internal import Agent
internal import ArgumentParser
private import Glibc
internal import Logging

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
    @Option(
        name: .long, help: ArgumentHelp("The proxy's program (default: modelbroker-proxy beside this one).", valueName: "path"))
    var proxy: String?
    @Option(
        name: .long, help: "trace, debug, info, notice, warning, error or critical.",
        transform: { text in
            guard let level = Logger.Level(rawValue: text) else { throw ValidationError("there is no log level \(text)") }
            return level
        })
    var logLevel = Logger.Level.info

    /// The start needs a process with one thread, so nothing asynchronous runs before it is through.
    func run() throws {
        LoggingSystem.bootstrap(StreamLogHandler.standardError)
        var logger = Logger(label: "modelbrokerd")
        logger.logLevel = logLevel
        let options = AgentOptions(configuration: config, runDirectory: runDir, pinDirectory: pinDir, proxy: proxy)
        do {
            try Agent.start(options, logger: logger).runToEnd()
        } catch {
            let text = "modelbrokerd: \(error)\n"
            write(STDERR_FILENO, text, text.utf8.count)
            throw ExitCode.failure
        }
    }
}

Modelbrokerd.main()
