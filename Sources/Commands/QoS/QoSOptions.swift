internal import ArgumentParser
internal import Catalog

/// The options of `qos set`. All of them are read before anything is written.
struct QoSOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Requests: 100/s, 6000/m.", valueName: "rate|none"))
    var requests: String?

    @Option(help: ArgumentHelp("Requests that may come at once.", valueName: "number"))
    var burst: String?

    @Option(help: ArgumentHelp("Tokens of prompts and answers: 600000/m.", valueName: "rate|none"))
    var tokens: String?

    @Option(help: ArgumentHelp("Tokens that may be taken at once.", valueName: "number"))
    var tokenBurst: String?

    @Option(help: ArgumentHelp("New connections: 50/s.", valueName: "rate|none"))
    var connects: String?

    @Option(help: ArgumentHelp("Connections that may be made at once.", valueName: "number"))
    var connectBurst: String?

    @Option(help: ArgumentHelp("Connections open at the same time.", valueName: "number|none"))
    var connections: String?

    @Option(help: ArgumentHelp("What this node sends, each way: 50MiB/s, 200Mbit/s.", valueName: "bandwidth|none"))
    var bandwidth: String?

    @Option(help: ArgumentHelp("high, normal, low, or SO_PRIORITY from 0 to 7.", valueName: "priority"))
    var priority: String?

    @Option(help: ArgumentHelp("Differentiated services code point, 0 to 63.", valueName: "number"))
    var dscp: String?

    @Option(help: ArgumentHelp("enforce, or observe: only count what would be refused.", valueName: "mode"))
    var mode: String?

    @Option(
        name: .customLong("class"), help: ArgumentHelp("guaranteed, burstable or best-effort: the HTB class.", valueName: "class")
    )
    var service: String?

    /// What is given, in the order of `QoSField`.
    var given: [(field: QoSField, value: String)] {
        let values: [(QoSField, String?)] = [
            (.requests, requests), (.burst, burst), (.tokens, tokens), (.tokenBurst, tokenBurst), (.connects, connects),
            (.connectBurst, connectBurst), (.connections, connections), (.bandwidth, bandwidth), (.priority, priority),
            (.dscp, dscp), (.mode, mode), (.service, service),
        ]
        return values.compactMap { field, value in value.map { (field, $0) } }
    }
}
