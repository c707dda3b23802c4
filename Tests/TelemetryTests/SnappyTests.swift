import Telemetry
import Testing

@Suite struct SnappyTests {
    private struct Corrupt: Error { let at: Int }

    /// A decoder by the format's description, which believes nothing.
    static func decompress(_ input: [UInt8]) throws -> [UInt8] {
        var (position, size, shift) = (0, 0, 0)
        while true {
            guard position < input.count else { throw Corrupt(at: position) }
            size |= Int(input[position] & 0x7F) << shift
            shift += 7
            position += 1
            if input[position - 1] < 0x80 { break }
        }
        var output: [UInt8] = []
        func number(_ bytes: Int) throws -> Int {
            guard position + bytes <= input.count else { throw Corrupt(at: position) }
            defer { position += bytes }
            return (0..<bytes).reduce(0) { $0 | Int(input[position + $1]) << (8 * $1) }
        }
        while position < input.count {
            let tag = Int(input[position])
            position += 1
            guard tag & 3 != 0 else {
                let length = tag >> 2 < 60 ? tag >> 2 : try number((tag >> 2) - 59)
                guard position + length + 1 <= input.count else { throw Corrupt(at: position) }
                output += input[position...position + length]
                position += length + 1
                continue
            }
            guard tag & 3 == 2 else { throw Corrupt(at: position) }
            let offset = try number(2)
            guard offset > 0, offset <= output.count else { throw Corrupt(at: position) }
            for _ in 0...tag >> 2 { output.append(output[output.count - offset]) }
        }
        guard output.count == size else { throw Corrupt(at: position) }
        return output
    }

    @Test func theFormatIsFixed() {
        #expect(Snappy.compress([]) == [0])
        #expect(Snappy.compress(Array("abc".utf8)) == [3, 2 << 2] + Array("abc".utf8))
        // A literal of one byte, and a copy that begins in what it writes; the margin at the end is never looked at, but copied.
        #expect(Snappy.compress([UInt8](repeating: 0x61, count: 40)) == [40, 0, 0x61, 38 << 2 | 2, 1, 0])
        let long = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ $0 >> 3) }
        #expect(Snappy.compress(Array(long[..<61])).prefix(3) == [61, 60 << 2, 60])
    }

    @Test(arguments: [0, 1, 15, 16, 60, 61, 255, 256, 257, 4_000, 65_535, 65_536, 65_537, 200_000])
    func everythingComesBack(size: Int) throws {
        var random = SystemRandomNumberGenerator()
        let noise = (0..<size).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let words = (0..<size).map { UInt8(truncatingIfNeeded: ($0 % 97) &* 31 &+ $0 / 5_000) }
        let few = (0..<size).map { _ in UInt8.random(in: 0...2, using: &random) }
        for input in [noise, words, few, [UInt8](repeating: 9, count: size)] {
            let compressed = Snappy.compress(input)
            #expect(try Self.decompress(compressed) == input)
            #expect(compressed.count <= input.count + input.count / 6 + 32)
        }
    }

    @Test func whatIsAlikeBecomesSmall() throws {
        let text = Array(
            (0..<500).map { "modelbroker_model_requests_total{model=\"m-\($0)\",instance=\"node-1\"} \($0)\n" }.joined().utf8)
        #expect(Snappy.compress(text).count < text.count / 3)
    }
}
