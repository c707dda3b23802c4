internal import BPF
internal import CBPFShim
import Glibc

/// Puts an object's maps in their place: pins those that are missing, or, where some have another layout than what is pinned,
/// fills new ones and has all of them take the place of the former at once.
struct MapMove {
    private let pins: PinDirectory
    private let notes: LayoutNotes
    /// Of maps in which the former programs go on counting until the last of them is exchanged.
    private var counted: [(map: PlaneMap, carriage: MapCarriage)] = []

    /// - Parameter notes: of the object whose maps they are.
    init(_ pins: PinDirectory, _ notes: LayoutNotes) {
        self.pins = pins
        self.notes = notes
    }

    mutating func run(
        _ standing: StandingMaps, _ object: borrowing BPFObject, _ log: inout AssemblyLog
    ) throws(KernelPlaneError) {
        counted = try inPlane { () throws(BPFError) in try standing.unsettled(notes, object) }
        guard standing.isCarried else { return try pinMissing(standing, object, &log) }
        // Held open, and gone with this agent: it takes two that are killed for something of it to be lost.
        try pins.clearAside()
        try inPlane { () throws(BPFError) in try fill(standing, object, &log) }
        try pins.makeAside()
        try inPlane { () throws(BPFError) in
            for map in PlaneMap.allCases {
                let made = try object.descriptor(ofMap: map.rawValue)
                try Pin.make(made.raw, at: "\(pins.aside)/\(map.rawValue)")
            }
            try notes.pin("\(pins.aside)/\(PinDirectory.notesName)")
        }
        try pins.exchange()
        log.exchanged()
    }

    /// There are former maps in which programs go on counting.
    var isUnderWay: Bool { !counted.isEmpty }

    /// What programs count in comes last: what they count after it was copied has to be carried over by itself.
    private mutating func fill(
        _ standing: StandingMaps, _ object: borrowing BPFObject, _ log: inout AssemblyLog
    ) throws(BPFError) {
        for map in PlaneMap.allCases where map.holding != .counts {
            try standing.carriage(of: map, into: object)?.copy(remembering: false)
        }
        try renumber(object)
        var copied: [PlaneMap: [[UInt8]: [UInt8]]] = [:]
        for map in PlaneMap.allCases where map.holding == .counts {
            guard let carriage = try standing.carriage(of: map, into: object) else { continue }
            try carriage.copy(remembering: true)
            counted.append((map, carriage))
            copied[map] = carriage.copied
        }
        log.pinned(pins.copied)
        try CopiedCounts(copied).pin(pins.copied)
    }

    /// The new programs look at settings of their own version only.
    private func renumber(_ object: borrowing BPFObject) throws(BPFError) {
        let settings = try RawMap(try object.descriptor(ofMap: PlaneMap.settings.rawValue), name: PlaneMap.settings.rawValue)
        guard var value = try settings.lookup([0, 0, 0, 0]), value.prefix(4).contains(where: { $0 != 0 }) else { return }
        for index in 0..<4 { value[index] = UInt8(truncatingIfNeeded: notes.version >> UInt32(8 * index)) }
        try settings.update([0, 0, 0, 0], value)
    }

    private func pinMissing(
        _ standing: StandingMaps, _ object: borrowing BPFObject, _ log: inout AssemblyLog
    ) throws(KernelPlaneError) {
        for map in PlaneMap.allCases where standing.adoptions[map] != .reuse {
            let pin = pins.pin(of: map)
            try inPlane { () throws(BPFError) in
                try Pin.remove(pin)
                let made = try object.descriptor(ofMap: map.rawValue)
                try Pin.make(made.raw, at: pin)
            }
            log.pinned(pin)
        }
        guard !standing.hasNotes else { return }
        try inPlane { () throws(BPFError) in
            try Pin.remove(pins.notes)
            try notes.pin(pins.notes)
        }
        log.pinned(pins.notes)
    }

    /// Adds what was counted in the former maps since they were copied. To be called when all programs are exchanged.
    func settle(_ object: borrowing BPFObject) throws(KernelPlaneError) {
        guard !counted.isEmpty else { return }
        // Those that were exchanged may still run, and count.
        mb_wait_for_programs()
        try inPlane { () throws(BPFError) in
            // What an agent that is killed now leaves is missing, rather than counted twice.
            try Pin.remove(pins.former.copied)
            let program = try object.program(Self.carrier)
            for (map, carriage) in counted { try carriage.settle(map, by: program) }
        }
    }

    private static let carrier = "mb_carry"
}
