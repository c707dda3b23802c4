/// Why bytes are not a message of the agent or the proxy.
package enum WireError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The other side speaks another version of this format.
    case version(UInt8)
    case truncated
    case trailingBytes(Int)
    /// A number that names no message of this version.
    case unknownMessage(UInt8)
    /// A number that names no case or family.
    case unknownTag(UInt8)
    /// A count or length that the rest of the message cannot hold.
    case countTooLarge(UInt32)
    case notUTF8
    /// A number, block of addresses or boolean that cannot be.
    case invalidValue
    /// A frame longer than allowed, in bytes.
    case frameTooLarge(Int)

    package var description: String {
        switch self {
        case .version(let version): "message of format version \(version); this build speaks version \(Wire.version)"
        case .truncated: "message ends too early"
        case .trailingBytes(let count): "message has \(count) bytes too many"
        case .unknownMessage(let tag): "message of the unknown kind \(tag)"
        case .unknownTag(let tag): "message has the unknown tag \(tag)"
        case .countTooLarge(let count): "message claims \(count) elements or bytes that it does not hold"
        case .notUTF8: "message has text that is not UTF-8"
        case .invalidValue: "message has a value out of range"
        case .frameTooLarge(let size): "frame of \(size) bytes; at most \(Wire.frameLimit) are allowed"
        }
    }
}
