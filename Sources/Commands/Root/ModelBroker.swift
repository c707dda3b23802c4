package import ArgumentParser
internal import Control
internal import Identity

/// `modelbroker`: the root of the command tree.
package struct ModelBroker: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "modelbroker",
        abstract: "Look at and steer the model broker of this node.",
        usage: "modelbroker [-j | -p] [--run-dir DIR] [--pin-dir DIR] OBJECT [VERB] …",
        discussion: """
            Tables are for people; -j prints the same data as JSON, -p as indented JSON. Errors go to standard error.
            doctor, qos, capture list, prog list, map list, map dump, qdisc show and detach need no running \
            agent: they read the pinned BPF maps, for which they need root. config check and key new --offline need neither.

            Examples:
              modelbroker status
              modelbroker proxy restart
              modelbroker flow list --model llama-70b
              modelbroker top
              modelbroker explain --model chat --client checkout
              modelbroker -j model list | jq '.[].name'
              modelbroker qos set llama-70b --requests 100/s --bandwidth 50MiB/s
              modelbroker key new checkout --expires 90d
              modelbroker quota show checkout
              modelbroker queue list llama-70b
              modelbroker config check /etc/modelbroker/modelbroker.yaml
              modelbroker events --follow

            Exit status: 0 done, 1 failed, 2 wrong usage.
            """,
        version: Version.current,
        groupedSubcommands: [
            CommandGroup(
                name: "The broker",
                subcommands: [StatusCommand.self, DoctorCommand.self, ReloadCommand.self, ProxyCommand.self, DetachCommand.self]),
            CommandGroup(
                name: "Traffic",
                subcommands: [
                    ModelCommand.self, PoolCommand.self, CapabilityCommand.self, EndpointCommand.self, QoSCommand.self,
                    QueueCommand.self, FlowCommand.self, TopCommand.self, ExplainCommand.self, EventsCommand.self,
                ]),
            CommandGroup(
                name: "Callers", subcommands: [ClientCommand.self, GroupCommand.self, QuotaCommand.self, KeyCommand.self]),
            CommandGroup(
                name: "The kernel", subcommands: [CaptureCommand.self, ProgramCommand.self, MapCommand.self, QdiscCommand.self]),
            CommandGroup(name: "Configuration", subcommands: [ConfigCommand.self]),
        ])

    package init() {}

    /// Parses and runs a command line without the program's name, and prints what went wrong.
    ///
    /// - Returns: the exit status: 0 done, 1 failed, 2 wrong usage.
    package static func run(_ arguments: [String]) -> Int32 {
        do {
            var command = try parseAsRoot(ArgumentOrder.globalsLast(arguments))
            try command.run()
            return 0
        } catch {
            return report(error)
        }
    }

    private static func report(_ error: any Error) -> Int32 {
        switch error {
        case let silent as CommandFailed: return silent.status
        case let failure as ClientError: return complain(failure.description)
        case let failure as CommandError: return complain(failure.description)
        default: break
        }
        let code = exitCode(for: error)
        if code == .success {
            Terminal.write(fullMessage(for: error) + "\n", to: Terminal.standardOutput)
            return 0
        }
        guard code == .validationFailure else { return complain("\(error)") }
        // A key that stands where it does not belong is repeated by the parser.
        Terminal.write(KeyText.hidden(in: fullMessage(for: error)) + "\n", to: Terminal.standardError)
        return 2
    }

    private static func complain(_ message: String) -> Int32 {
        Terminal.complain(KeyText.hidden(in: message))
        return 1
    }
}
