internal import ArgumentParser
package import Control

struct GroupShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show one group: its clients, and of each model its share, what it is entitled to, and what waits.",
        discussion: """
            What the columns mean is in `modelbroker queue list --help`.

            Example:
              modelbroker group show gold
            """)

    @Argument(help: "The group's name.")
    var name: String

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let report = try global.client.ask(.group(name: name), for: GroupReport.self)
        try global.output.show(report) { group, width in group.text(width: width) }
    }
}

extension GroupReport {
    /// What `modelbroker group show` prints.
    package func text(width: Int?) -> String {
        let table = queues.isEmpty ? "no model was asked for yet\n" : QueueReport.table(queues, of: .models, width: width)
        return facts.rendered() + "\n" + table
    }

    private var facts: Facts {
        var facts = Facts()
        facts.add("group", name)
        facts.add("priority", delivery == "batch" ? "batch, behind every other" : "\(priority)")
        facts.add("weight", "\(weight)")
        facts.add("share", isReclaimable ? "others may use what it leaves" : "reserved: what it leaves stays free")
        facts.add("clients", clients.isEmpty ? "none" : clients.joined(separator: ", "))
        return facts
    }
}
