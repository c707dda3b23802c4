internal import FoundationEssentials

/// What went wrong with one line of the control protocol.
package struct ControlLineError: Error, Hashable, CustomStringConvertible {
    package let description: String
}

/// The control protocol's framing: each value is one line of JSON with a newline behind it.
package enum ControlLine {
    /// Longest request that the agent reads, in bytes, the newline included.
    package static let maximumRequest = 64 << 10
    /// Longest answer that the CLI reads, in bytes, the newline included.
    package static let maximumResponse = 64 << 20
    /// The socket's name in the run directory.
    package static let socketName = "control.sock"

    /// The value as one line of JSON, the newline included; keys are sorted.
    package static func encode(_ value: some Encodable) throws(ControlLineError) -> [UInt8] {
        try json(value, pretty: false)
    }

    /// The value as JSON with a newline behind it, indented if `pretty`.
    package static func json(_ value: some Encodable, pretty: Bool) throws(ControlLineError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting =
            pretty ? [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
        do {
            var line = [UInt8](try encoder.encode(value))
            line.append(UInt8(ascii: "\n"))
            return line
        } catch {
            throw ControlLineError(description: "cannot write JSON: \(error)")
        }
    }

    /// Reads a value from one line, with or without its newline.
    package static func decode<Value: Decodable>(_ type: Value.Type, from line: some Sequence<UInt8>) throws(ControlLineError)
        -> Value
    {
        do {
            return try JSONDecoder().decode(type, from: Data(line))
        } catch let error as DecodingError {
            throw ControlLineError(description: describe(error))
        } catch {
            throw ControlLineError(description: "not JSON: \(error)")
        }
    }

    private static func describe(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, _): "the key \"\(key.stringValue)\" is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            "\(path(context)): \(context.debugDescription)"
        case .dataCorrupted(let context):
            context.codingPath.isEmpty ? "not JSON" : "\(path(context)): \(context.debugDescription)"
        @unknown default: "\(error)"
        }
    }

    private static func path(_ context: DecodingError.Context) -> String {
        context.codingPath.isEmpty ? "the value" : context.codingPath.map(\.stringValue).joined(separator: ".")
    }
}
