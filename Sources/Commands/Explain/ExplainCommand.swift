internal import ArgumentParser
internal import Control

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Show where a request would go, and why, without making it.",
        discussion: """
            The proxy answers by the code that routes requests, on a copy of what it knows at this moment: the stages, then every \
            candidate with the SCORE that the strategy compares (lower is better), or why it was dropped. \
            The stages say whether the caller may call the models, by which named rule not, and which limit would refuse it \
            now; nothing is charged. A request that would find no free slot waits: it is said in which group's line, and at \
            which place of it. \
            With --pod it is made by a pod of this node, as the client that the kernel takes it for; of a client those of its pods \
            are named that run here. \
            Each of the proxy's event loops has turns of its own, so strategies with turns may choose another one next time.

            Examples:
              modelbroker explain --model chat
              modelbroker explain --model chat --client checkout --header x-session-id=42
              modelbroker explain --model chat --pod shop/checkout-7d9f
              modelbroker explain --model chat -j | jq '.candidates[] | select(.isChosen).url'
            """)

    @Option(help: ArgumentHelp("What the request names: a pool, a model or a capability.", valueName: "name"))
    var model: String

    @Option(help: ArgumentHelp("Who makes it, by the name under clients.", valueName: "name"))
    var client: String?

    @Option(help: ArgumentHelp("Which pod of this node makes it.", valueName: "namespace/name"))
    var pod: String?

    @Option(
        name: .customLong("header"), parsing: .singleValue,
        help: ArgumentHelp("A header of the request; may be given several times.", valueName: "name=value"),
        transform: ExplainRequest.Header.init(argument:))
    var headers: [ExplainRequest.Header] = []

    @Option(help: ArgumentHelp("The body's `user`.", valueName: "text"))
    var user: String?

    @Option(help: ArgumentHelp("The prompt, or its beginning.", valueName: "text"))
    var prompt: String?

    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if client != nil, pod != nil { throw ValidationError("a pod is the client that it is: give --pod or --client") }
    }

    func run() throws {
        let request = ExplainRequest(model: model, client: client, pod: pod, headers: headers, user: user, prompt: prompt)
        let report = try global.client.ask(.explain(request), for: ExplainReport.self)
        try global.output.show(report) { report, width in report.text(width: width) }
    }
}

extension ExplainRequest.Header {
    /// `name=value` or `name: value`.
    init(argument: String) throws {
        guard let end = argument.firstIndex(where: { $0 == "=" || $0 == ":" }), end > argument.startIndex else {
            throw ValidationError("\"\(argument.printable)\" is not a header, as x-session-id=42")
        }
        let value = argument[argument.index(after: end)...].drop { $0 == " " }
        self.init(name: argument[..<end].lowercased(), value: String(value))
    }
}
