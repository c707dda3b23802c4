/// The pattern of one component of a path: `*` any characters, `?` one, everything else itself.
struct ComponentGlob: Hashable {
    private let pattern: [UInt8]

    init(_ pattern: [UInt8]) { self.pattern = pattern }

    /// Whether all of `name`, UTF-8, is meant. Only the last `*` met is widened, for the reason given in `WorkloadPattern`.
    func matches(_ name: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        var at = 0
        var byte = name.startIndex
        var resume: (at: Int, byte: Int)?
        while byte < name.endIndex || at < pattern.count {
            if at < pattern.count {
                if pattern[at] == UInt8(ascii: "*") {
                    at += 1
                    resume = (at, byte)
                    continue
                }
                if byte < name.endIndex, let next = step(name, byte, pattern[at]) {
                    at += 1
                    byte = next
                    continue
                }
            }
            guard let last = resume, last.byte < name.endIndex else { return false }
            // A whole character at a time, so that `?` never starts in the middle of one.
            let widened = Self.afterCharacter(name, last.byte)
            resume = (last.at, widened)
            (at, byte) = (last.at, widened)
        }
        return true
    }

    private func step(_ name: Slice<UnsafeBufferPointer<UInt8>>, _ byte: Int, _ wanted: UInt8) -> Int? {
        if wanted == UInt8(ascii: "?") { return Self.afterCharacter(name, byte) }
        return name[byte] == wanted ? byte + 1 : nil
    }

    /// Past the UTF-8 sequence that starts at `byte`.
    private static func afterCharacter(_ name: Slice<UnsafeBufferPointer<UInt8>>, _ byte: Int) -> Int {
        var next = byte + 1
        while next < name.endIndex, name[next] & 0xC0 == 0x80 { next += 1 }
        return next
    }
}
