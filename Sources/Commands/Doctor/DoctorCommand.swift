internal import ArgumentParser

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check whether the broker can work here, and whether it does.",
        discussion: """
            One line for each check: ok, warn or FAIL, what was found, and what to do. Exit status 1 if something FAILs. \
            Works before the broker is installed and with the agent down.
            """)

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let reading = HostReading.here(pinDirectory: global.pinDirectory, client: global.client)
        let checks = Diagnosis.checks(of: reading)
        try global.output.show(checks) { checks, _ in checks.map { $0.line + "\n" }.joined() }
        if checks.contains(where: { $0.verdict == .fail }) { throw CommandFailed() }
    }
}
