internal import ArgumentParser
internal import KernelPlane

struct ProgramList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the broker's programs with hook, cgroup and neighbours.",
        discussion: """
            NEIGHBOURS are programs of others at the same hook, with their place in the order in which the kernel runs \
            them. RUNS and MEAN are counted while the sysctl kernel.bpf_stats_enabled is 1. Needs root, and no agent.
            """)

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let programs = ProgramReport.all(try PinnedPlane.open(global.pinDirectory).programs())
        try global.output.show(programs, table: ProgramReport.table)
    }
}
