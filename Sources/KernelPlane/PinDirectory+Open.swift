internal import BPF
import Glibc

extension PinDirectory {
    /// Is a plane of this layout version pinned here?
    func checkReadable() throws(KernelPlaneError) {
        guard exists else {
            throw KernelPlaneError(
                operation: "read", object: path, errno: ENOENT, hint: "nothing is pinned there: no agent has run with it")
        }
        let version = try inPlane { () throws(BPFError) in try ABIVersion.read(settings: try open(.settings)) }
        try ABIVersion.own.checkReadable(version, pinDirectory: path)
    }

    /// A pinned map; an error if it is missing.
    func open(_ map: PlaneMap) throws(BPFError) -> Descriptor {
        let pin = pin(of: map)
        if let descriptor = try Pin.open(pin) { return descriptor }
        throw BPFError(operation: "open pin", object: pin, errno: ENOENT)
    }
}
