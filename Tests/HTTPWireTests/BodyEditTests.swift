import HTTPWire
import Testing

/// Bodies with other bytes in the place of some, however they come and are framed.
@Suite struct BodyEditTests {
    private static let body = Array(#"{"model":"chat","messages":[]}"#.utf8)
    private static let name: Range<UInt64> = 10..<14

    private static func edited(_ bytes: [UInt8], _ edit: BodyEdit) -> [UInt8] {
        bytes[..<Int(edit.range.lowerBound)] + edit.replacement + bytes[Int(edit.range.upperBound)...]
    }

    /// What `step` makes of `bytes`, of which `cut` are given at a time.
    private static func run(
        _ bytes: [UInt8], cut: Int, _ step: (Span<UInt8>, Int, inout [UInt8]) throws -> RewriteStep
    ) rethrows -> [UInt8] {
        var output: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: cut) {
            let piece = Array(bytes[start..<min(start + cut, bytes.count)])
            var position = 0
            while position < piece.count {
                var appended: [UInt8] = []
                let result = try step(piece.span, position, &appended)
                output += piece[position..<position + result.passed] + appended
                position += result.count
            }
        }
        return output
    }

    @Test(arguments: ["x", "", "a longer name than it was", "chat"]) func lengthFramed(replacement: String) {
        let edit = BodyEdit(Self.name, replacement: Array(replacement.utf8))
        let expected = Self.edited(Self.body, edit)
        #expect(edit.length(of: UInt64(Self.body.count)) == UInt64(expected.count))
        for cut in 1...Self.body.count {
            var running = BodyEdits(edit)
            let output = Self.run(Self.body, cut: cut) { running.step($0, $1..<$0.count, into: &$2) }
            #expect(output == expected)
            #expect(running.isDone)
        }
    }

    @Test func lengthsOfPieces() {
        var edit = BodyEdits(BodyEdit(Self.name, replacement: Array("xx".utf8)))
        #expect(edit.length(ofNext: 10) == 10 && edit.length(ofNext: 11) == 12 && edit.length(ofNext: 30) == 28)
        var ignored: [UInt8] = []
        #expect(edit.step(Self.body.span, 0..<12, into: &ignored) == RewriteStep(passed: 10, replaced: 2))
        #expect(edit.length(ofNext: 1) == 0 && edit.length(ofNext: 3) == 1)
    }

    private static func chunked(_ body: [UInt8], sizes: (Int) -> Int, extensions: String = "", trailers: String = "") -> [UInt8] {
        var bytes: [UInt8] = []
        var position = 0
        while position < body.count {
            let end = min(position + sizes(position), body.count)
            bytes +=
                Array("\(String(end - position, radix: 16))\(extensions)\r\n".utf8) + body[position..<end] + Array("\r\n".utf8)
            position = end
        }
        return bytes + Array("0\(extensions)\r\n\(trailers)\r\n".utf8)
    }

    /// The data and what follows the last chunk's line; nil: the bytes are no chunked body, or not one whole.
    private static func decode(_ bytes: [UInt8]) -> (data: [UInt8], rest: [UInt8])? {
        var data: [UInt8] = []
        var index = 0
        while let feed = bytes[index...].firstIndex(of: 0x0A) {
            let line = String(decoding: bytes[index..<feed - 1], as: UTF8.self)
            guard bytes[feed - 1] == 0x0D, let size = Int(line.prefix { $0 != ";" }, radix: 16) else { return nil }
            if size == 0 { return (data, Array(bytes[(feed + 1)...])) }
            guard feed + 3 + size <= bytes.count, bytes[feed + 1 + size] == 0x0D, bytes[feed + 2 + size] == 0x0A else {
                return nil
            }
            data += bytes[feed + 1..<feed + 1 + size]
            index = feed + 3 + size
        }
        return nil
    }

    private static func edit(_ bytes: [UInt8], _ edit: BodyEdit, cut: Int) throws -> [UInt8] {
        var running = ChunkedEdit(BodyEdits(edit))
        let output = try run(bytes, cut: cut) {
            #expect(!running.isComplete)
            return try running.step($0, from: $1, into: &$2)
        }
        #expect(running.isComplete)
        return output
    }

    @Test(arguments: ["", "T: v\r\n", "T: v\r\nOther: 1; 2\r\n"]) func chunkFramed(trailers: String) throws {
        for replacement in ["x", "", "a longer name than it was"] {
            let edit = BodyEdit(Self.name, replacement: Array(replacement.utf8))
            for size in 1...Self.body.count {
                let bytes = Self.chunked(Self.body, sizes: { _ in size }, extensions: ";a=b", trailers: trailers)
                for cut in [1, 2, 3, 7, 1000] {
                    let output = try #require(Self.decode(try Self.edit(bytes, edit, cut: cut)))
                    #expect(output.data == Self.edited(Self.body, edit))
                    #expect(output.rest == Array((trailers + "\r\n").utf8))
                }
            }
        }
    }

    @Test func chunksAtRandom() throws {
        var random = SplitMix(state: 31)
        for _ in 0..<1000 {
            let body = (0..<1 + random.below(600)).map { _ in UInt8(random.below(256)) }
            let start = random.below(body.count)
            let range = UInt64(start)..<UInt64(start + 1 + random.below(body.count - start))
            let replacement = (0..<random.below(20)).map { _ in UInt8(ascii: "r") }
            let edit = BodyEdit(range, replacement: replacement)
            let bytes = Self.chunked(
                body, sizes: { _ in 1 + random.below(200) }, trailers: random.below(2) == 0 ? "" : "A: b\r\n")
            let output = try #require(Self.decode(try Self.edit(bytes, edit, cut: 1 + random.below(400))))
            #expect(output.data == Self.edited(body, edit))
        }
    }

    @Test func severalEditsAtRandom() throws {
        var random = SplitMix(state: 47)
        for _ in 0..<800 {
            let body = (0..<20 + random.below(300)).map { _ in UInt8(random.below(256)) }
            var (edits, expected, position) = ([BodyEdit](), [UInt8](), 0)
            while edits.count < 3, position < body.count - 1 {
                let start = position + random.below(body.count - position)
                // Insertions have no length of their own.
                let end = random.below(2) == 0 ? start : min(body.count, start + random.below(30))
                let edit = BodyEdit(UInt64(start)..<UInt64(end), replacement: (0..<random.below(20)).map { _ in 0x72 })
                expected += body[position..<start] + edit.replacement
                edits.append(edit)
                position = max(end, start + 1)
                expected += body[end..<max(end, min(position, body.count))]
            }
            expected += body[min(position, body.count)...]
            var all = BodyEdits()
            for edit in edits.reversed() { all.add(edit) }
            #expect(all.length(of: UInt64(body.count)) == UInt64(expected.count))
            let cut = 1 + random.below(100)
            var plain = all
            #expect(Self.run(body, cut: cut) { plain.step($0, $1..<$0.count, into: &$2) } == expected)
            let bytes = Self.chunked(body, sizes: { _ in 1 + random.below(60) })
            var chunked = ChunkedEdit(all)
            let output = try Self.run(bytes, cut: cut) { try chunked.step($0, from: $1, into: &$2) }
            #expect(try #require(Self.decode(output)).data == expected)
        }
    }

    /// Chunks are framed anew as long as it is not known whether an edit comes.
    @Test func anEditMayBeAddedLate() throws {
        let bytes = Self.chunked(Self.body, sizes: { _ in 4 })
        var edit = ChunkedEdit(BodyEdits(isOpen: true))
        var output: [UInt8] = []
        var position = 0
        while position < bytes.count {
            if position > bytes.count - 12, edit.isOpen {
                edit.add(BodyEdit(29..<29, replacement: [0x78]))
                edit.close()
            }
            let start = position
            var inserted: [UInt8] = []
            let step = try edit.step(bytes.span, from: position, into: &inserted)
            output += bytes[start..<start + step.passed] + inserted
            position += step.count
        }
        #expect(try #require(Self.decode(output)).data == Self.body.dropLast() + [0x78] + Self.body.suffix(1))
    }

    /// What comes behind the name is not copied, and not framed anew.
    @Test func theRestGoesOnAsItIs() throws {
        let body = Self.body + Array(repeating: 0x20, count: 5000)
        let bytes = Self.chunked(body, sizes: { $0 == 0 ? 30 : 1000 }, extensions: ";x")
        var edit = ChunkedEdit(BodyEdits(BodyEdit(Self.name, replacement: [0x78])))
        var output: [UInt8] = []
        var position = 0
        while position < 40 { position += try edit.step(bytes.span, from: position, into: &output).count }
        #expect(output == Array("1b\r\nx".utf8))
        while position < bytes.count {
            let step = try edit.step(bytes.span, from: position, into: &output)
            #expect(step.replaced == 0)
            position += step.count
        }
        #expect(output == Array("1b\r\nx".utf8) && edit.isComplete)
    }

    @Test(arguments: ["x\r\n", "5\r\nabcdefg", "5\n", "-1\r\n", "0\r\nbad\r\n\r\n"]) func malformedChunks(text: String) {
        #expect(throws: HeadFault.self) { _ = try Self.edit(Array(text.utf8), BodyEdit(Self.name, replacement: []), cut: 1000) }
    }

    @Test func theBodyMayEndBeforeTheName() throws {
        let bytes = Self.chunked([1, 2, 3], sizes: { _ in 2 }, trailers: "A: b\r\n")
        for cut in [1, 2, 100] {
            let output = try #require(Self.decode(try Self.edit(bytes, BodyEdit(Self.name, replacement: [9]), cut: cut)))
            #expect(output.data == [1, 2, 3] && output.rest == Array("A: b\r\n\r\n".utf8))
        }
    }

    @Test func chunksWritten() {
        for (count, line) in [(1, "1"), (15, "f"), (16, "10"), (0x1F4, "1f4"), (0x12_3456, "123456")] {
            var output: [UInt8] = []
            ChunkWriter.appendSize(count, to: &output)
            #expect(output == Array("\(line)\r\n".utf8))
        }
        var output = Array("before".utf8)
        #expect(
            {
                ChunkWriter.end(ChunkWriter.begin(in: &output), in: &output); return output
            }() == Array("before".utf8))
        let start = ChunkWriter.begin(in: &output)
        output += Array(repeating: 0x61, count: 300)
        ChunkWriter.end(start, in: &output)
        ChunkWriter.appendLast(to: &output)
        ChunkWriter.appendEnd(to: &output)
        let expected = "before0000012c\r\n\(String(repeating: "a", count: 300))\r\n0\r\n\r\n"
        #expect(output == Array(expected.utf8))
    }
}
