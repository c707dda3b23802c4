internal import FoundationEssentials

/// The objects of a resource as they were last known, bounded in number.
package struct ResourceStore<Object: KubernetesObject>: Sendable {
    package let maximumObjects: Int
    package private(set) var objects: [ObjectKey: Object] = [:]
    /// Grows with every change of what is in it.
    package private(set) var revision: UInt64 = 0
    /// Objects that were left out since there were too many, so far.
    package private(set) var leftOut: UInt64 = 0

    package init(maximumObjects: Int) { self.maximumObjects = maximumObjects }

    /// In the order of their keys.
    package var sorted: [Object] { objects.sorted { $0.key < $1.key }.map(\.value) }

    package subscript(key: ObjectKey) -> Object? { objects[key] }

    package mutating func put(_ object: Object) {
        let object = Self.bare(object)
        guard objects[object.metadata.key] != object else { return }
        guard objects.count < maximumObjects || objects[object.metadata.key] != nil else {
            leftOut += 1
            return
        }
        objects[object.metadata.key] = object
        revision += 1
    }

    /// - Parameter uid: of the object that is gone; another one may have its name by now. Empty: any.
    package mutating func remove(_ key: ObjectKey, uid: String) {
        guard let known = objects[key], uid.isEmpty || known.metadata.uid.isEmpty || known.metadata.uid == uid else { return }
        objects[key] = nil
        revision += 1
    }

    /// From now on there are these and no others; `keeping`: of these keys what was known stays.
    package mutating func replace(with new: [ObjectKey: Object], keeping kept: some Sequence<ObjectKey>) {
        var next = new
        for key in kept where next[key] == nil { next[key] = objects[key] }
        guard next != objects else { return }
        objects = next
        revision += 1
    }

    /// The object as it is kept.
    static func bare(_ object: Object) -> Object {
        var object = object
        object.metadata.resourceVersion = ""
        return object
    }

    mutating func countLeftOut(_ count: Int) { leftOut += UInt64(count) }
}

/// How a store outlives the process: as the JSON of a list.
extension ResourceStore {
    private struct Snapshot: Codable {
        var items: [Object]
    }

    private struct Reading: Decodable {
        var items: [ReadObject<Object>]
    }

    package func snapshot() throws(KubernetesFault) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return [UInt8](try encoder.encode(Snapshot(items: sorted)))
        } catch {
            throw KubernetesFault("cannot be written: \(error)")
        }
    }

    /// What can be read of a snapshot.
    package init(maximumObjects: Int, snapshot: [UInt8]) throws(KubernetesFault) {
        self.init(maximumObjects: maximumObjects)
        let reading: Reading
        do {
            reading = try JSONDecoder().decode(Reading.self, from: Data(snapshot))
        } catch {
            throw KubernetesFault("not a snapshot: \(KubernetesFault.text(error))")
        }
        for case .object(let object) in reading.items { put(object) }
    }
}
