import Admission
import HTTPWire
import Routing

/// Heads as they go on to the next hop: the bytes that came, less the lines that end here, plus the broker's own.
enum HeadComposer {
    /// What of a request is different for an endpoint that knows the model by another name.
    struct RequestEdit {
        /// Where the name stands in the path.
        var nameInPath: Range<Int>?
        /// Of the body.
        var length: UInt64?
    }

    /// A request to an endpoint of the catalogue.
    static func request(
        _ head: RequestHead, _ bytes: Span<UInt8>, to target: Target, _ edit: RequestEdit, client: String,
        isLowPriority: Bool, requestID: RequestID, trace: TraceParent?, into output: inout [UInt8]
    ) {
        var copied = 0
        let written = head.methodName.range.upperBound + 1
        if !target.pathPrefix.isEmpty || head.target.range.lowerBound != written {
            output.append(bytes, 0..<written)
            output.append(contentsOf: target.pathPrefix)
            copied = head.target.range.lowerBound
        }
        if let name = edit.nameInPath {
            output.append(bytes, copied..<name.lowerBound)
            PercentCoding.appendEncoded(target.modelName, to: &output)
            copied = name.upperBound
        }
        output.append(bytes, copied..<head.fieldsStart)
        output.append("Host: ")
        output.append(contentsOf: target.authority)
        output.append("\r\n")
        appendKept(
            head.dropped, bytes, from: head.fieldsStart, size: head.size, isFramingKept: edit.length == nil, into: &output)
        if let length = edit.length { appendLength(line: length, into: &output) }
        if !target.authorization.isEmpty {
            output.append("Authorization: ")
            output.append(contentsOf: target.authorization)
            output.append("\r\n")
        } else if target.forwardsCredentials {
            for index in 0..<head.credentials.count { output.append(bytes, head.credentials[index].line.range) }
        }
        if head.requestID.isEmpty { requestID.appendField(to: &output) }
        if !client.isEmpty {
            output.append("x-modelbroker-client: ")
            output.append(contentsOf: client.utf8)
            output.append("\r\n")
        }
        if isLowPriority { output.append("x-modelbroker-priority: low\r\n") }
        trace?.appendField(to: &output)
        output.append("\r\n")
    }

    /// What the answer's connection does after it.
    enum Persistence { case close, keepAlive, keepAliveHTTP10 }

    /// An answer to a governed request.
    ///
    /// - Parameter framing: of the body, where it is the broker's own; for `.whole`, `appendLength` ends the head.
    static func response(
        _ head: ResponseHead, _ bytes: Span<UInt8>, requestID: RequestID, persistence: Persistence, levels: LimitLevels,
        framing: AnswerRewriter.Framing?, into output: inout [UInt8]
    ) {
        output.append("HTTP/1.1")
        output.append(bytes, 8..<head.fieldsStart)
        appendKept(
            head.dropped, bytes, from: head.fieldsStart, size: head.size, isFramingKept: framing == nil, into: &output)
        if !head.hasRequestID { requestID.appendField(to: &output) }
        LimitFields.append(levels, to: &output)
        appendPersistence(persistence, into: &output)
        if framing == .whole { return }
        if framing == .chunked { output.append("Transfer-Encoding: chunked\r\n") }
        output.append("\r\n")
    }

    /// Ends a head whose body's length was not known before.
    static func appendLength(_ length: Int, into output: inout [UInt8]) {
        appendLength(line: UInt64(length), into: &output)
        output.append("\r\n")
    }

    private static func appendLength(line length: UInt64, into output: inout [UInt8]) {
        output.append("Content-Length: ")
        output.append(decimal: length)
        output.append("\r\n")
    }

    static func appendPersistence(_ persistence: Persistence, into output: inout [UInt8]) {
        switch persistence {
        case .keepAlive: break
        case .close: output.append("Connection: close\r\n")
        case .keepAliveHTTP10: output.append("Connection: keep-alive\r\n")
        }
    }

    /// The lines of a head less those that end here, and less those that say how the body ends, if it is framed anew.
    private static func appendKept(
        _ dropped: LineSet, _ bytes: Span<UInt8>, from start: Int, size: Int, isFramingKept: Bool, into output: inout [UInt8]
    ) {
        var position = start
        for index in 0..<dropped.count {
            let line = dropped[index]
            append(bytes, position..<line.lowerBound, isFramingKept: isFramingKept, into: &output)
            position = line.upperBound
        }
        append(bytes, position..<size - 2, isFramingKept: isFramingKept, into: &output)
    }

    /// Appends whole lines.
    private static func append(
        _ bytes: Span<UInt8>, _ lines: Range<Int>, isFramingKept: Bool, into output: inout [UInt8]
    ) {
        guard !isFramingKept else {
            if !lines.isEmpty { output.append(bytes, lines) }
            return
        }
        var line = lines.lowerBound
        while line < lines.upperBound {
            let end = HeadField.endOfLine(bytes, line, lines.upperBound)
            if !HeadField.isFraming(bytes, line, end) { output.append(bytes, line..<end) }
            line = end
        }
    }
}
