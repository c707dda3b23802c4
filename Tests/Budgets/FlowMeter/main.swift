import Glibc

// flow-meter --scenario request|event|relay|prompt|code --count K    does it K times, in process
// flow-meter --frame request|answer|head|event           writes that sample to standard output
// flow-meter --welcome GATEWAY-PORT UPSTREAM-PORT        writes what makes a proxy listen there

func fail(_ text: String) -> Never {
    let line = Array("flow-meter: \(text)\n".utf8)
    _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    exit(1)
}

func emit(_ bytes: [UInt8]) {
    let count = bytes.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    if count != bytes.count { fail("cannot write") }
}

let arguments = Array(CommandLine.arguments.dropFirst())
if arguments.count == 4, arguments[0] == "--scenario", arguments[2] == "--count",
    let scenario = Scenario(rawValue: arguments[1]), let count = Int(arguments[3]), count > 0
{
    guard scenario.run(count: count) != nil else { fail("\(scenario.rawValue) went wrong") }
} else if arguments.count == 3, arguments[0] == "--welcome", let gateway = UInt16(arguments[1]),
    let upstream = UInt16(arguments[2])
{
    emit(Welcome.frame(gateway: gateway, upstream: upstream))
} else if arguments.count == 2, arguments[0] == "--frame" {
    switch arguments[1] {
    case "request": emit(Sample.request(model: Sample.model))
    case "answer": emit(Sample.answer)
    case "head": emit(Sample.streamHead)
    case "event": emit(Sample.event)
    default: fail("no such sample")
    }
} else {
    fail("usage: flow-meter --scenario NAME --count K | --frame NAME | --welcome GATEWAY-PORT UPSTREAM-PORT")
}
