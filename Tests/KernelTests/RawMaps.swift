import BPF
import CBPFShim
import KernelPlane

/// Puts as many keys into `refusals` as it takes.
func fillRefusals(_ ground: TestGround) throws {
    guard let pin = try Pin.open(ground.location.pinDirectory + "/maps/refusals") else { throw Failure("no refusals") }
    let map = try BPFMap<mb_refusal_key, UInt64>(pin, name: "refusals")
    for client in 0..<UInt32(MB_MAX_REFUSALS) {
        try map.update(mb_refusal_key(model: 4000, client: client, reason: 1), 1)
    }
}
