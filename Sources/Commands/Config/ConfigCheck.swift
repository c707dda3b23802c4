internal import ArgumentParser
internal import Configuration

struct ConfigCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Read a configuration file as the agent would, and name every fault.",
        discussion: """
            Changes nothing and needs neither root nor an agent; what `${env:…}` and `${file:…}` refer to has to be there, \
            and so have files of certificates and key sets.

            Example:
              modelbroker config check /etc/modelbroker/modelbroker.yaml
            """)

    @Argument(help: "The file; - reads standard input.", completion: .file(extensions: ["yaml", "yml"]))
    var file: String

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let verdict = try verdict()
        if verdict.valid || global.output.format != .table {
            try global.output.show(verdict) { verdict, _ in "\(file.printable): \(verdict.summary)\n" }
        }
        guard !verdict.valid else { return }
        for line in verdict.lines(of: file) { Terminal.complain(line.printable) }
        throw CommandFailed()
    }

    private func verdict() throws(CommandError) -> ConfigurationVerdict {
        let standardInput = file == "-" ? try TextFile.read(file) : nil
        do throws(ConfigurationFaults) {
            if let standardInput { return ConfigurationVerdict(try Configuration.parse(standardInput)) }
            return ConfigurationVerdict(try Configuration.load(path: file))
        } catch {
            return ConfigurationVerdict(error)
        }
    }
}
