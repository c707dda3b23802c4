internal import ArgumentParser
internal import KernelPlane

struct MapList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the broker's maps with their sizes and how full they are.",
        discussion: "Needs root, and no agent.")

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let maps = try PinnedPlane.open(global.pinDirectory).maps().map { MapReport($0) }
        try global.output.show(maps, table: MapReport.table)
    }
}
