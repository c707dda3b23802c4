import Admission
import HTTPWire
import Routing

/// Heads as they go on to the next hop: the bytes that came, less the lines that end here, plus the broker's own.
enum HeadComposer {
    /// A request to an endpoint of the catalogue.
    static func request(
        _ head: RequestHead, _ bytes: Span<UInt8>, to target: Target, client: String, requestID: RequestID,
        into output: inout [UInt8]
    ) {
        output.append(bytes, 0..<head.methodName.range.upperBound + 1)
        output.append(contentsOf: target.pathPrefix)
        output.append(bytes, Int(head.target.start)..<head.fieldsStart)
        output.append("Host: ")
        output.append(contentsOf: target.authority)
        output.append("\r\n")
        appendKept(head.dropped, bytes, from: head.fieldsStart, size: head.size, into: &output)
        if head.requestID.isEmpty { requestID.appendField(to: &output) }
        if !client.isEmpty {
            output.append("x-modelbroker-client: ")
            output.append(contentsOf: client.utf8)
            output.append("\r\n")
        }
        output.append("\r\n")
    }

    /// What the answer's connection does after it.
    enum Persistence { case close, keepAlive, keepAliveHTTP10 }

    /// An answer to a governed request.
    static func response(
        _ head: ResponseHead, _ bytes: Span<UInt8>, requestID: RequestID, persistence: Persistence, levels: LimitLevels,
        into output: inout [UInt8]
    ) {
        output.append("HTTP/1.1")
        output.append(bytes, 8..<head.fieldsStart)
        appendKept(head.dropped, bytes, from: head.fieldsStart, size: head.size, into: &output)
        if !head.hasRequestID { requestID.appendField(to: &output) }
        LimitFields.append(levels, to: &output)
        appendPersistence(persistence, into: &output)
        output.append("\r\n")
    }

    static func appendPersistence(_ persistence: Persistence, into output: inout [UInt8]) {
        switch persistence {
        case .keepAlive: break
        case .close: output.append("Connection: close\r\n")
        case .keepAliveHTTP10: output.append("Connection: keep-alive\r\n")
        }
    }

    private static func appendKept(
        _ dropped: LineSet, _ bytes: Span<UInt8>, from start: Int, size: Int, into output: inout [UInt8]
    ) {
        var position = start
        for index in 0..<dropped.count {
            let line = dropped[index]
            if line.lowerBound > position { output.append(bytes, position..<line.lowerBound) }
            position = line.upperBound
        }
        if position < size - 2 { output.append(bytes, position..<size - 2) }
    }
}
