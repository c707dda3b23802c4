internal import ArgumentParser

/// `modelbroker quota`: what is used of what may be used in a day or a month.
struct QuotaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quota", abstract: "The quotas of clients and models, and how much of them is used.",
        subcommands: [QuotaShow.self, QuotaReset.self])
}
