internal import ArgumentParser
private import Glibc

struct DetachCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detach",
        abstract: "Take the broker out of this node: programs, pins, proxy, cgroups, addresses.",
        discussion: """
            A running agent is asked to leave: it unpins, lets the proxy end its streams and exits. Then, and also when \
            no agent runs, everything that is left is removed. Connections made afterwards go where they were dialled to. \
            Can be repeated; prints what it removed.

            Needs root.
            """)

    @OptionGroup var global: GlobalOptions

    func run() throws {
        guard geteuid() == 0 else { throw CommandError("detach needs root") }
        let report = Removal.run(runDirectory: global.runDirectory, pinDirectory: global.pinDirectory, client: global.client)
        try global.output.show(report) { report, _ in report.text }
        guard !report.failed.isEmpty else { return }
        for failure in report.failed { Terminal.complain(failure.printable) }
        throw CommandFailed()
    }
}
