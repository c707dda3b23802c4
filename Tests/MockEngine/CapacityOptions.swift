import ArgumentParser

/// How much the engine can do, and how it comes to life.
struct CapacityOptions: ParsableArguments, Sendable {
    enum MetricNames: String, ExpressibleByArgument, CaseIterable { case vllm, sglang, triton }

    @Option(help: "Requests served at once; the others wait inside. By default any number; 0 serves none until that is changed.")
    var capacity: Int?
    @Option(help: "Time for each token of the prompt, beside the time to the first token.")
    var prefill = Duration(nanoseconds: 0)
    @Option(help: "Whose names /metrics has.")
    var metricNames = MetricNames.vllm

    @Option(help: "Time before it listens.")
    var startDelay = Duration(nanoseconds: 0)
    @Option(help: "Time for which it answers 503 after that, as an engine that loads its model.")
    var loading = Duration(nanoseconds: 0)
    @Option(help: "File to which it appends a line when it starts, and for each request that it serves.")
    var journal: String?
    @Option(help: "File that it holds a lock on as long as it runs, as if it were a device; without the lock it exits with 4.")
    var device: String?
    @Option(help: "Do not start: say so and exit with this status.")
    var failStart: Int32?
    @Flag(help: "Ignore SIGTERM.")
    var deaf = false

    func validate() throws {
        guard capacity ?? 0 >= 0 else { throw ValidationError("a capacity is not below 0") }
    }
}
