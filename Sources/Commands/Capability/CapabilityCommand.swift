internal import ArgumentParser
internal import Catalog
internal import Control

struct CapabilityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "capability",
        abstract: "What requests may ask for instead of a name.",
        subcommands: [CapabilityList.self, CapabilitySearch.self])

    /// Those of the configuration in force; without an agent, those that are built in.
    static func all(_ global: GlobalOptions) throws -> [CapabilityReport] {
        do {
            return try global.client.ask(.capabilities, for: [CapabilityReport].self)
        } catch ClientError.notRunning {
            Terminal.complain("the agent is not running; showing what is built in")
            return CapabilityReport.all(of: Catalog())
        }
    }
}
