import Foundation

/// What an API server and an agent said to each other about one resource: `Tests/Recorded/kubernetes/NAME.http`, as
/// `Tests/SystemTests/harness/recorder.py` writes it. Lines of what was asked begin with `>`, of an answer's head with `<`, `=`
/// says how the answer ended; between them is its body as it came, but for the last line's end.
package struct Recording {
    package struct Exchange: Sendable {
        package var method = ""
        /// Path and query, as the server got them.
        package var target = ""
        /// The request's body; nil: it had none.
        package var sent: String?
        package var status = 0
        package var body: [UInt8] = []
        /// The answer did not come to its proper end, if to any.
        package var isCut = false

        package var isWatch: Bool { target.contains("watch=1") }
    }

    /// What is wrong with a recording.
    package struct Fault: Error {
        package let line: String
    }

    /// Which server it was.
    package let title: String
    package private(set) var exchanges: [Exchange] = []

    package init(_ name: String) throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("kubernetes/\(name).http")
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: true)
        guard let first = lines.first, first.hasPrefix("# ") else { throw Fault(line: "no title") }
        title = String(first.dropFirst(2))
        var exchange = Exchange()
        for line in lines.dropFirst() {
            let text = line.dropFirst(2)
            switch line.first {
            case ">" where exchange.method.isEmpty:
                let words = text.split(separator: " ")
                guard words.count == 2 else { throw Fault(line: String(line)) }
                (exchange.method, exchange.target) = (String(words[0]), String(words[1]))
            case ">": if text.hasPrefix("{") { exchange.sent = String(text) }
            case "<": if exchange.status == 0 { exchange.status = Int(text) ?? 0 }
            case "=":
                exchange.isCut = text == "cut"
                exchanges.append(exchange)
                exchange = Exchange()
            default: exchange.body += Array(line.utf8) + [UInt8(ascii: "\n")]
            }
        }
        guard exchange.method.isEmpty, !exchanges.isEmpty else { throw Fault(line: "no end") }
    }
}
