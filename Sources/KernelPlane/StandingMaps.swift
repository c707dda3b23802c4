internal import BPF
import Glibc

/// The maps that an earlier agent left pinned, and what is to be done about each.
struct StandingMaps {
    private let pins: PinDirectory
    private let abi: ABIVersion
    private let notes: LayoutNotes?
    /// Of the maps; 0: nothing is pinned, or nothing was ever written.
    let version: UInt32
    private(set) var adoptions: [PlaneMap: MapAdoption] = [:]

    /// Looks at what is pinned; an error for what cannot be taken over.
    ///
    /// - Parameter abi: of the programs that are to use them.
    init(_ pins: PinDirectory, _ abi: ABIVersion) throws(KernelPlaneError) {
        self.pins = pins
        self.abi = abi
        let notes = try inPlane { () throws(BPFError) in try LayoutNotes.read(pins.notes) }
        let settings = try inPlane { () throws(BPFError) in try Pin.open(pins.pin(of: .settings)) }
        guard let settings else {
            (version, self.notes) = (0, notes)
            return
        }
        let found = try inPlane { () throws(BPFError) in try ABIVersion.read(settings: settings) }
        version = found == 0 ? notes?.version ?? 0 : found
        // Those of another version describe other maps.
        self.notes = notes?.version == version ? notes : nil
        if version != 0 { try abi.checkAdoptable(version, notes: self.notes, pinDirectory: pins.path) }
    }

    var isCarried: Bool { adoptions.values.contains { $0.isCarried } }
    var hasNotes: Bool { notes != nil }

    /// Has the programs use the pinned maps that serve them as they are.
    ///
    /// - Parameter needed: what the programs' maps look like.
    mutating func adopt(_ object: borrowing BPFObject, _ needed: LayoutNotes) throws(KernelPlaneError) {
        for map in PlaneMap.allCases {
            let pin = pins.pin(of: map)
            let pinned = try inPlane { () throws(BPFError) in try Pin.open(pin) }
            guard let pinned, let needed = needed.maps[map.rawValue] else {
                adoptions[map] = .make
                continue
            }
            let shape = try inPlane { () throws(BPFError) in try MapFacts(descriptor: pinned.raw, object: pin).shape }
            let adoption = try decide(map, shape: shape, needed: needed)
            adoptions[map] = adoption
            guard adoption == .reuse else { continue }
            try inPlane { () throws(BPFError) in try object.reuse(map: map.rawValue, descriptor: pinned.raw) }
        }
    }

    private func decide(_ map: PlaneMap, shape: MapShape, needed: MapLayout) throws(KernelPlaneError) -> MapAdoption {
        do {
            let layout = try layout(map, shape: shape, needed: needed)
            return try MapAdoption.decide(map, pinned: layout, needed: needed, sameVersion: version == abi.number)
        } catch {
            throw KernelPlaneError(
                operation: "adopt map", object: pins.pin(of: map),
                hint: "\(error.reason); `modelbroker detach` removes it, and what is captured then stays so no longer")
        }
    }

    /// What the pinned map looks like: what the notes say, if that is what the kernel says as far as it does.
    private func layout(
        _ map: PlaneMap, shape: MapShape, needed: MapLayout
    ) throws(LayoutConversion.Impossible) -> MapLayout {
        if let noted = notes?.maps[map.rawValue], noted.shape == shape { return noted }
        guard shape.keySize == needed.shape.keySize, shape.valueSize == needed.shape.valueSize, shape.type == needed.shape.type,
            version == ABIVersion.undescribed || shape == needed.shape
        else {
            throw LayoutConversion.Impossible(
                reason: "its shape is \(shape), but \(needed.shape) is needed, and nothing says what is in it")
        }
        return MapLayout(shape: shape, key: needed.key, value: needed.value)
    }

    /// On their way into the object's new maps: those that are pinned with another layout.
    func carriage(of map: PlaneMap, into object: borrowing BPFObject) throws(BPFError) -> MapCarriage? {
        guard case .carry(let key, let value) = adoptions[map], let pinned = try Pin.open(pins.pin(of: map)) else { return nil }
        return MapCarriage(
            from: try RawMap(pinned, name: map.rawValue),
            to: try RawMap(try object.descriptor(ofMap: map.rawValue), name: map.rawValue), key: key, value: value)
    }

    /// Former maps that an agent has left who was killed before it had brought over what is counted in them; none: there are none, or
    /// they do not tell.
    ///
    /// - Parameter needed: what the object's maps look like.
    func unsettled(
        _ needed: LayoutNotes, _ object: borrowing BPFObject
    ) throws(BPFError) -> [(map: PlaneMap, carriage: MapCarriage)] {
        let former = pins.former
        guard let copied = try CopiedCounts.read(former.copied), let notes = try LayoutNotes.read(former.notes) else { return [] }
        var found: [(map: PlaneMap, carriage: MapCarriage)] = []
        for map in PlaneMap.allCases where map.holding == .counts {
            guard let has = notes.maps[map.rawValue], let needs = needed.maps[map.rawValue],
                let pinned = try Pin.open(former.pin(of: map))
            else { continue }
            let from = try RawMap(pinned, name: map.rawValue)
            guard from.shape == has.shape, has.shape.isPerCPU == needs.shape.isPerCPU,
                let key = try? LayoutConversion(from: has.key, to: needs.key, size: Int(needs.shape.keySize)),
                let value = try? LayoutConversion(from: has.value, to: needs.value, size: Int(needs.shape.valueSize))
            else { continue }
            let to = try RawMap(try object.descriptor(ofMap: map.rawValue), name: map.rawValue)
            found.append((map, MapCarriage(from: from, to: to, key: key, value: value, copied: copied.maps[map] ?? [:])))
        }
        return found
    }
}
