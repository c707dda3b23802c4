import BPF
import CBPFShim
import Glibc
import KernelPlane
import Testing

extension KernelSuite {
    /// A map as memory, a part of which is given back and taken again.
    @Suite struct MappedArrayTests {
        private static func open(_ ground: TestGround) throws -> MappedArray<mb_bucket> {
            guard let pin = try Pin.open(ground.location.pinDirectory + "/maps/buckets") else { throw Failure("no pin") }
            return try MappedArray<mb_bucket>(pin, name: "buckets")
        }

        /// Elements that take up one page.
        private static var perPage: Int { Int(sysconf(Int32(_SC_PAGESIZE))) / MemoryLayout<mb_bucket>.stride }

        @Test func whatIsGivenBackComesBackAsItIs() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [])
                defer { withExtendedLifetime(broker) {} }
                let short = try Self.open(ground)
                let whole = try Self.open(ground)
                let last = whole.count - 1
                #expect(short.reach == short.count && whole.reach == whole.count)
                short.element(0).pointee.tat_ns = 11
                short.element(last).pointee.tat_ns = 12
                let base = short.element(0)
                short.shorten(to: 1)
                #expect(short.reach == Self.perPage)
                #expect(short.element(0).pointee.tat_ns == 11)
                // Others have it all, and what they write meanwhile is there later.
                #expect(whole.element(last).pointee.tat_ns == 12)
                whole.element(last).pointee.tat_ns = 13
                try short.extend(to: Self.perPage)
                #expect(short.reach == Self.perPage, "that is there already")
                try short.extend(to: Self.perPage + 1)
                #expect(short.reach == 2 * Self.perPage)
                try short.extend(to: short.count)
                #expect(short.reach == short.count)
                #expect(short.element(0) == base && short.element(last).pointee.tat_ns == 13)
                short.shorten(to: 3 * Self.perPage)
                #expect(short.reach == 3 * Self.perPage)
                try short.extend(to: 3 * Self.perPage + 1)
                #expect(short.reach == 6 * Self.perPage)
            }
        }

        @Test func whatIsGivenBackTakesNoMemory() throws {
            try TestGround.with { ground in
                let broker = try Broker(ground, rules: [])
                defer { withExtendedLifetime(broker) {} }
                let array = try Self.open(ground)
                let start = UInt(bitPattern: array.element(0))
                let bytes = array.count * MemoryLayout<mb_bucket>.stride
                #expect(try resident(from: start, count: bytes) >= bytes / 1024)
                array.shorten(to: 1)
                #expect(try resident(from: start, count: bytes) == Int(sysconf(Int32(_SC_PAGESIZE))) / 1024)
            }
        }

        /// KiB of this process's memory in a range of addresses, as the kernel counts them.
        private func resident(from start: UInt, count: Int) throws -> Int {
            guard let file = fopen("/proc/self/smaps", "r") else { throw Failure("no smaps") }
            defer { fclose(file) }
            var (line, isInside, sum) = ([CChar](repeating: 0, count: 4096), false, 0)
            while fgets(&line, Int32(line.count), file) != nil {
                let text = line.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
                let words = text.split(separator: " ")
                if let range = words.first?.split(separator: "-"), range.count == 2, let from = UInt(range[0], radix: 16) {
                    isInside = from >= start && from < start + UInt(count)
                } else if isInside, words.first == "Rss:", words.count > 1 {
                    sum += Int(words[1]) ?? 0
                }
            }
            return sum
        }
    }
}
