internal import BPF
import Glibc

/// What an assembly has changed in the kernel, so that one that fails halfway can take it back: what was there before may be
/// serving traffic.
struct AssemblyLog {
    private enum Step {
        case pinned(String)
        /// The directory of maps and the one beside it have changed places.
        case exchanged
        case updated(PlaneProgram)
        case attached(PlaneProgram)
    }

    private let pins: PinDirectory
    private var steps: [Step] = []

    init(_ pins: PinDirectory) { self.pins = pins }

    mutating func pinned(_ path: String) { steps.append(.pinned(path)) }
    mutating func exchanged() { steps.append(.exchanged) }
    mutating func updated(_ program: PlaneProgram) { steps.append(.updated(program)) }
    mutating func attached(_ program: PlaneProgram) { steps.append(.attached(program)) }

    /// Takes everything back, last first. What cannot be is left, and said.
    ///
    /// - Returns: what was not taken back, in words.
    consuming func undo() -> [String] {
        var left: [String] = []
        for step in steps.reversed() {
            do {
                try undo(step)
            } catch {
                left.append("\(error)")
            }
        }
        try? pins.clearSettled()
        return left
    }

    private func undo(_ step: Step) throws(KernelPlaneError) {
        switch step {
        case .pinned(let path): try inPlane { () throws(BPFError) in _ = try Pin.remove(path) }
        case .exchanged: try pins.exchange()
        case .updated(let program): try inPlane { () throws(BPFError) in try restore(program) }
        case .attached(let program):
            try inPlane { () throws(BPFError) in
                let pin = pins.pin(of: program)
                if let link = try Pin.open(pin), program.point != nil { try BPFLink(link, object: program.rawValue).detach() }
                try Pin.remove(pin)
            }
        }
    }

    /// Puts the program back that the link had before: the one that is pinned, until the assembly is through.
    private func restore(_ program: PlaneProgram) throws(BPFError) {
        let pin = pins.programPin(of: program)
        guard let link = try Pin.open(pins.pin(of: program)), let former = try Pin.open(pin) else {
            throw BPFError(operation: "put back", object: pin, errno: ENOENT)
        }
        try BPFLink(link, object: program.rawValue).update(BPFProgram(former))
    }
}
