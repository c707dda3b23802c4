import Control
import Testing

/// Messages come out of a stream as they went in, however it is cut.
@Suite struct FrameAssemblerTests {
    private static let messages: [[UInt8]] = [[1, 2, 3], [], [9], [UInt8](repeating: 7, count: 300)]

    private func stream() throws -> [UInt8] { try Self.messages.flatMap { try FrameAssembler.framed($0) } }

    @Test func framesHaveTheirLengthFirst() throws {
        #expect(try FrameAssembler.framed([5, 6]) == [2, 0, 0, 0, 5, 6])
        #expect(throws: WireError.frameTooLarge(64 << 20 | 1)) {
            try FrameAssembler.framed([UInt8](repeating: 0, count: 64 << 20 | 1))
        }
    }

    @Test(arguments: [1, 2, 3, 5, 7, 100, 1_000])
    func anyCutGivesTheSameMessages(size: Int) throws {
        var assembler = FrameAssembler()
        var taken: [[UInt8]] = []
        let bytes = try stream()
        for start in stride(from: 0, to: bytes.count, by: size) {
            assembler.feed(bytes[start..<min(start + size, bytes.count)])
            while let frame = try assembler.next() { taken.append(frame) }
        }
        #expect(taken == Self.messages)
        #expect(assembler.pendingBytes == 0)
    }

    @Test func anUnfinishedMessageStays() throws {
        var assembler = FrameAssembler()
        assembler.feed([3, 0, 0, 0, 1, 2])
        #expect(try assembler.next() == nil)
        #expect(assembler.pendingBytes == 6)
        assembler.feed([3])
        #expect(try assembler.next() == [1, 2, 3])
    }

    @Test func tooLongIsRefusedAtOnceAndForGood() throws {
        var assembler = FrameAssembler()
        assembler.feed([1, 0, 0, 4])
        #expect(throws: WireError.frameTooLarge(64 << 20 | 1)) { try assembler.next() }
        assembler.feed([0, 0, 0])
        #expect(throws: WireError.frameTooLarge(64 << 20 | 1)) { try assembler.next() }
        var huge = FrameAssembler()
        huge.feed([0xFF, 0xFF, 0xFF, 0xFF])
        #expect(throws: WireError.frameTooLarge(0xFFFF_FFFF)) { try huge.next() }
        var exact = FrameAssembler(limit: 2)
        exact.feed([2, 0, 0, 0, 1, 2, 3, 0, 0, 0])
        #expect(try exact.next() == [1, 2])
        #expect(throws: WireError.frameTooLarge(3)) { try exact.next() }
    }

    @Test func manyMessagesDoNotPileUp() throws {
        var assembler = FrameAssembler()
        let frame = try FrameAssembler.framed([UInt8](repeating: 1, count: 1_000))
        for round in 0..<10_000 {
            // Half a message is always pending.
            assembler.feed(round == 0 ? frame[..<500] : frame[500...] + frame[..<500])
            while let message = try assembler.next() { #expect(message.count == 1_000) }
            #expect(assembler.pendingBytes == 500)
        }
    }
}
