internal import FoundationEssentials

/// What a watch tells.
package enum WatchEvent<Object: KubernetesObject>: Hashable, Sendable {
    case added(Object)
    case modified(Object)
    case deleted(ObjectMeta)
    /// Nothing of ours has changed up to this version.
    case bookmark(version: String)
    /// The server ends the watch.
    case error(APIStatus)
    /// Something has happened to an object, but it is not as it should be.
    case unreadable(ObjectKey, version: String, reason: String)
}

/// Turns the bytes of a watch's answer into events: one JSON object on each line, and pieces end anywhere.
package struct WatchStream<Object: KubernetesObject>: Sendable {
    private let maximumLine: Int
    private var line: [UInt8] = []

    /// - Parameter maximumLine: bytes of one event at most.
    package init(maximumLine: Int) { self.maximumLine = maximumLine }

    /// Takes in the next piece. Returns the events that are complete now, in their order; `fault` is what is wrong with the
    /// line behind them, and then there is nothing more to be had from this stream.
    package mutating func feed(_ bytes: ArraySlice<UInt8>) -> (events: [WatchEvent<Object>], fault: KubernetesFault?) {
        var events: [WatchEvent<Object>] = []
        var rest = bytes
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            line.append(contentsOf: rest[..<end])
            rest = rest[(end + 1)...]
            defer { line.removeAll(keepingCapacity: line.capacity <= 64 << 10) }
            guard line.count <= maximumLine else { return (events, tooLong) }
            guard line.contains(where: { !Self.isSpace($0) }) else { continue }
            do throws(KubernetesFault) {
                events.append(try Self.event(line))
            } catch {
                return (events, error)
            }
        }
        line.append(contentsOf: rest)
        return (events, line.count <= maximumLine ? nil : tooLong)
    }

    /// The answer has ended: nil, or what is wrong with that.
    package func end() -> KubernetesFault? {
        line.contains { !Self.isSpace($0) } ? KubernetesFault("the watch was cut in the middle of an event") : nil
    }

    private var tooLong: KubernetesFault { KubernetesFault("an event of more than \(maximumLine) bytes") }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }

    private static func event(_ line: [UInt8]) throws(KubernetesFault) -> WatchEvent<Object> {
        do {
            return try JSONDecoder().decode(WireEvent<Object>.self, from: Data(line)).event
        } catch {
            throw KubernetesFault("not an event: \(KubernetesFault.text(error))")
        }
    }
}

private struct WireEvent<Object: KubernetesObject>: Decodable {
    private enum Keys: String, CodingKey { case type, object }

    private struct Bookmark: Decodable {
        struct Metadata: Decodable {
            var resourceVersion: String
        }

        var metadata: Metadata
    }

    var event: WatchEvent<Object>

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Keys.self)
        let type = try fields.decode(String.self, forKey: .type)
        switch type {
        case "ADDED", "MODIFIED", "DELETED": event = Self.event(type, try fields.decode(ReadObject<Object>.self, forKey: .object))
        case "BOOKMARK":
            event = .bookmark(version: try fields.decode(Bookmark.self, forKey: .object).metadata.resourceVersion)
        case "ERROR": event = .error(try fields.decode(APIStatus.self, forKey: .object))
        default:
            throw DecodingError.dataCorruptedError(forKey: .type, in: fields, debugDescription: "no type of an event")
        }
    }

    private static func event(_ type: String, _ object: ReadObject<Object>) -> WatchEvent<Object> {
        switch (type, object) {
        // What is gone is gone, whatever it looked like.
        case ("DELETED", .object(let object)): .deleted(object.metadata)
        case ("DELETED", .unreadable(let metadata, _)): .deleted(metadata)
        case ("ADDED", .object(let object)): .added(object)
        case (_, .object(let object)): .modified(object)
        case (_, .unreadable(let metadata, let reason)):
            .unreadable(metadata.key, version: metadata.resourceVersion, reason: reason)
        }
    }
}
