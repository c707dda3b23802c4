internal import FoundationEssentials

/// One page of a list.
package struct ResourcePage<Object: KubernetesObject>: Sendable {
    package var objects: [Object] = []
    /// Keys of objects that are there but not as they should be, with what is wrong.
    package var unreadable: [ObjectKey: String] = [:]
    package var resourceVersion: String
    /// Where the next page begins; nil: this was the last one.
    package var next: String?

    /// - Throws: what is wrong with the answer as a whole.
    package init(json: [UInt8]) throws(KubernetesFault) {
        let page: Wire
        do {
            page = try JSONDecoder().decode(Wire.self, from: Data(json))
        } catch {
            throw KubernetesFault("not a list: \(KubernetesFault.text(error))")
        }
        guard let version = page.metadata.resourceVersion, !version.isEmpty, version.utf8.count <= KubernetesFault.longestVersion
        else { throw KubernetesFault("a list without a version") }
        resourceVersion = version
        next = page.metadata.continue.flatMap { $0.isEmpty ? nil : $0 }
        if let next, next.utf8.count > 8 << 10 {
            throw KubernetesFault("a list that goes on under a token of \(next.utf8.count) bytes")
        }
        for item in page.items ?? [] {
            switch item {
            case .object(let object): objects.append(object)
            case .unreadable(let metadata, let reason): unreadable[metadata.key] = reason
            }
        }
    }

    private struct Wire: Decodable {
        struct Metadata: Decodable {
            var resourceVersion: String?
            var `continue`: String?
        }

        var metadata: Metadata
        var items: [ReadObject<Object>]?
    }
}

/// An object, or what is known of one that is not as it should be.
enum ReadObject<Object: KubernetesObject>: Decodable {
    case object(Object)
    case unreadable(ObjectMeta, reason: String)

    private struct Bare: Decodable {
        var metadata: ObjectMeta
    }

    init(from decoder: any Decoder) throws {
        let metadata = try Bare(from: decoder).metadata
        guard !metadata.name.isEmpty else {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "an object without a name"))
        }
        do {
            self = .object(try Object(from: decoder))
        } catch {
            self = .unreadable(metadata, reason: KubernetesFault.text(error, below: decoder.codingPath.count))
        }
    }
}
