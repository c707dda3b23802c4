internal import ArgumentParser

struct QdiscShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show the tree's classes: whose they are, what they may send and what they have sent.",
        discussion: """
            RATE is what a class is sure of, CEIL what it may have; PRIO is HTB's, and 0 is the first to borrow. `others` is \
            everything that belongs to no model. A rate with a star is less than the model's bandwidth: the device has not \
            got more. Sockets of other network namespaces are sent unclassified, their packets count among the others.

            Reads the kernel and the agent's notes in the run directory; needs no agent.

            Example:
              modelbroker qdisc show -j | jq '.[].classes[] | select(.drops > 0) | .model'
            """)

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let reports = try QdiscNotes.read(global.runDirectory).map { try QdiscReport.reading($0) }
        try global.output.show(reports, table: QdiscReport.text)
    }
}
