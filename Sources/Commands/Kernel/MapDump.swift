internal import ArgumentParser
internal import KernelPlane

struct MapDump: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dump",
        abstract: "Print every entry of a map, decoded field by field.",
        discussion: """
            Needs root, and no agent. `modelbroker map list` names the maps.

            Examples:
              modelbroker map dump rules4
              modelbroker map dump workloads -j | jq '.[].client'
            """)

    @Argument(help: "The map's name.")
    var name: String

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let plane = try PinnedPlane.open(global.pinDirectory)
        let names = try plane.maps().map(\.name)
        guard names.contains(name) else {
            throw CommandError("there is no map \"\(name.printable)\"; there are: \(names.sorted().joined(separator: ", "))")
        }
        let entries = try plane.dump(map: name).map { MapEntry(fields: $0) }
        try global.output.show(entries, table: MapEntry.table)
    }
}
