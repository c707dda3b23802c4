import ArgumentParser
import NIOCore

/// What the engine serves, how fast, and how it fails.
struct EngineOptions: ParsableArguments, Sendable {
    enum DropMode: String, ExpressibleByArgument, CaseIterable { case reset, close }
    enum Framing: String, ExpressibleByArgument, CaseIterable { case chunked, length, close }

    @Option(help: "Port to listen on; 0 takes a free one and prints it.")
    var port = 0
    @Option(help: "Address to listen on; may be repeated.")
    var host: [String] = []
    @Option(help: "Models served, separated by commas; * serves any.")
    var models = "*"
    @Option(help: "Name that answers carry.")
    var name = "mock"
    @Option(help: "Tokens of an answer; a request's max_tokens may ask for fewer.")
    var tokens = 16
    @Option(help: "Bytes that each token's text is padded to.")
    var tokenBytes = 0
    @Option(help: "Time to the first token: 10ms, 1s, 500us.")
    var ttft = Duration(nanoseconds: 10_000_000)
    @Option(help: "Time between two tokens.")
    var itl = Duration(nanoseconds: 5_000_000)
    @Option(help: "Framing of answers; by default streams are chunked and others have a length.")
    var framing: Framing?

    @Option(help: "Answer requests with this status.")
    var failStatus: Int?
    @Option(help: "Fail only every K-th request.")
    var failEvery = 1
    @Option(help: "Drop the connection after K events of an answer; 0: without a byte of it.")
    var dropAfter: Int?
    @Option(help: "How to drop it.")
    var dropMode = DropMode.reset
    @Flag(help: "Drop in the middle of an event rather than after it.")
    var dropInside = false
    @Flag(help: "Take requests and never answer.")
    var hang = false
    @Option(help: "Milliseconds before a new connection is read.")
    var slowAccept: Int?
    @Option(help: "A field of every answer, NAME=VALUE; may be repeated.")
    var field: [String] = []
    @Option(help: "Requests that are kept for /debug/requests, at least.")
    var records = 512
    @Option(help: "Write answers in TCP segments of N bytes.")
    var segmentBytes: Int?
    @Option(help: "Close a connection after N answers, without announcing it.")
    var closeAfter: Int?
    @Option(help: "Close a connection unanswered when a request follows N answers on it.")
    var staleAfter: Int?

    @OptionGroup var size: CapacityOptions

    /// Nanoseconds to the first token of an answer to a prompt of so many.
    func firstToken(prompt: Int) -> Int64 { ttft.nanoseconds + size.prefill.nanoseconds * Int64(prompt) }

    var hosts: [String] { host.isEmpty ? ["127.0.0.1"] : host }
    var fields: [(String, String)] {
        field.map { text in
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            return (parts[0], parts.count > 1 ? parts[1] : "")
        }
    }
    var modelNames: [String] { models.split(separator: ",").map(String.init) }
    func serves(_ model: String) -> Bool { models == "*" || modelNames.contains(model) }

    func validate() throws {
        guard (0...65535).contains(port) else { throw ValidationError("port is between 0 and 65535") }
        guard tokens >= 1, failEvery >= 1, tokenBytes >= 0, records >= 1 else { throw ValidationError("counts start at 1") }
        guard field.allSatisfy({ !$0.isEmpty && $0.first != "=" }) else { throw ValidationError("fields are NAME=VALUE") }
        guard segmentBytes ?? 1 >= 1 else { throw ValidationError("a segment has at least one byte") }
        guard port != 0 || hosts.count == 1 else { throw ValidationError("several hosts need a fixed port") }
    }
}

/// A time as it is written on the command line.
struct Duration: ExpressibleByArgument, Sendable, CustomStringConvertible {
    let nanoseconds: Int64

    init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    init?(argument: String) {
        let units: [(String, Int64)] = [("ns", 1), ("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000)]
        for (unit, scale) in units where argument.hasSuffix(unit) {
            guard let value = Int64(argument.dropLast(unit.count)), (0...3_600_000_000).contains(value) else { return nil }
            self.init(nanoseconds: value * scale)
            return
        }
        return nil
    }

    var amount: TimeAmount { .nanoseconds(nanoseconds) }
    var description: String { "\(nanoseconds / 1_000)us" }
}
