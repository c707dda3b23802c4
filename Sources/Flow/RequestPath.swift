import HTTPWire
import Routing

/// What a request's path says: whose API it is, and what it asks for there.
enum RequestPath: Hashable {
    /// The list of models, or the one whose name, percent-encoded, stands in the range.
    case models
    case model(Range<Int>)
    /// Another path of the OpenAI API: clients POST a request for a model to it.
    case inference
    /// KServe v2: about a model, whose name, percent-encoded, stands in the range.
    case kserve(Range<Int>)
    case kserveServer, kserveLive, kserveReady, kserveIndex
    /// KServe v2: loading or unloading a model, whose name, percent-encoded, stands in the range.
    case kserveRepository(Range<Int>)
    /// Ollama: clients POST a request for a model to it.
    case ollama
    case ollamaTags, ollamaVersion
    case other

    /// - Parameter target: the request target in `bytes`, query included.
    init(_ bytes: Span<UInt8>, _ target: Range<Int>) {
        let path = PlainPath.range(bytes, target)
        if bytes.starts(path, "/v1/") {
            self = Self.openai(bytes, path)
        } else if bytes.starts(path, "/v2") {
            self = Self.kserve(bytes, path)
        } else if bytes.starts(path, "/api/") {
            self = Self.ollama(bytes, path)
        } else {
            self = .other
        }
    }

    /// Whose interface it is.
    func family(_ bytes: Span<UInt8>, _ target: Range<Int>) -> APIFamily {
        switch self {
        case .models, .model, .inference: .v1
        case .kserve, .kserveServer, .kserveLive, .kserveReady, .kserveIndex, .kserveRepository: .v2
        case .ollama, .ollamaTags, .ollamaVersion: .ollama
        case .other: bytes.starts(target, "/v2/") ? .v2 : .other
        }
    }

    /// Where a name stands in it, percent-encoded.
    var name: Range<Int>? {
        switch self {
        case .model(let range), .kserve(let range), .kserveRepository(let range): range
        default: nil
        }
    }

    private static func openai(_ bytes: Span<UInt8>, _ path: Range<Int>) -> RequestPath {
        if bytes.equals(path, "/v1/models") || bytes.equals(path, "/v1/models/") { return .models }
        if bytes.starts(path, "/v1/models/") { return .model(path.lowerBound + 11..<path.upperBound) }
        return path.count > 4 ? .inference : .other
    }

    private static func kserve(_ bytes: Span<UInt8>, _ path: Range<Int>) -> RequestPath {
        if bytes.starts(path, "/v2/models/") {
            var end = path.lowerBound + 11
            while end < path.upperBound, bytes[end] != 0x2F { end += 1 }
            return end > path.lowerBound + 11 ? .kserve(path.lowerBound + 11..<end) : .other
        }
        if bytes.equals(path, "/v2") || bytes.equals(path, "/v2/") { return .kserveServer }
        if bytes.equals(path, "/v2/health/live") { return .kserveLive }
        if bytes.equals(path, "/v2/health/ready") { return .kserveReady }
        if bytes.starts(path, "/v2/repository/models/") { return repository(bytes, path) }
        return bytes.equals(path, "/v2/repository/index") ? .kserveIndex : .other
    }

    private static func repository(_ bytes: Span<UInt8>, _ path: Range<Int>) -> RequestPath {
        let start = path.lowerBound + 22
        var end = start
        while end < path.upperBound, bytes[end] != 0x2F { end += 1 }
        let rest = end..<path.upperBound
        guard end > start, bytes.equals(rest, "/load") || bytes.equals(rest, "/unload") else { return .other }
        return .kserveRepository(start..<end)
    }

    private static func ollama(_ bytes: Span<UInt8>, _ path: Range<Int>) -> RequestPath {
        if bytes.equals(path, "/api/tags") { return .ollamaTags }
        return bytes.equals(path, "/api/version") ? .ollamaVersion : .ollama
    }
}

extension Span where Element == UInt8 {
    /// Whether the bytes of `range` begin with `text`.
    func starts(_ range: Range<Int>, _ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        return range.count >= count && equals(range.lowerBound..<range.lowerBound + count, text)
    }
}

/// Names in paths (RFC 3986): clients encode the slashes in a model's name.
enum PercentCoding {
    /// Appends the bytes of `range`, %XX resolved; what is no such triple stays as it is.
    static func appendDecoded(_ bytes: Span<UInt8>, _ range: Range<Int>, to result: inout [UInt8]) {
        var index = range.lowerBound
        while index < range.upperBound {
            if bytes[index] == 0x25, index + 2 < range.upperBound, let high = hex(bytes[index + 1]),
                let low = hex(bytes[index + 2])
            {
                result.append(high << 4 | low)
                index += 3
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
    }

    /// Appends `name` as one segment of a path.
    static func appendEncoded(_ name: [UInt8], to result: inout [UInt8]) {
        for byte in name {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E, 0x3A, 0x40: result.append(byte)
            default:
                result.append(0x25)
                result.append(digit(byte >> 4))
                result.append(digit(byte & 0xF))
            }
        }
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x37 + value }
}
