import CLinux
import Control
import Glibc
import Reactor
import Testing

@testable import Proxy

/// Messages of the agent's and the descriptors beside them.
@Suite struct LinkSocketTests {
    private final class Pair {
        var proxy: LinkSocket
        let agent: Int32

        init() throws {
            var ends: [Int32] = [-1, -1]
            guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
                throw SystemError("socketpair", errno)
            }
            proxy = LinkSocket(Descriptor(owning: ends[0]))
            agent = ends[1]
        }

        deinit { _ = close(agent) }

        func send(_ bytes: some Collection<UInt8>, _ descriptors: [Int32] = []) {
            let bytes = Array(bytes)
            let sent = clinux_send_with_descriptors(agent, bytes, bytes.count, descriptors, descriptors.count)
            #expect(sent == bytes.count)
        }

        /// The next `count` messages.
        func receive(_ count: Int) -> [LinkFrame] {
            var frames: [LinkFrame] = []
            while frames.count < count, let more = proxy.receive() { frames += more }
            return frames
        }
    }

    /// A descriptor that is known by what it reads.
    private func descriptor(_ name: UInt8) throws -> Int32 {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemError("pipe", errno) }
        var name = name
        _ = write(ends[1], &name, 1)
        _ = close(ends[1])
        return ends[0]
    }

    /// What the descriptors of a message are known by; they are closed.
    private func names(_ frame: LinkFrame) -> [UInt8] {
        frame.takeDescriptors().map { number in
            defer { _ = close(number) }
            var name: UInt8 = 0
            return read(number, &name, 1) == 1 ? name : 0
        }
    }

    private func framed(_ byte: UInt8, _ count: Int) throws -> [UInt8] {
        try FrameAssembler.framed([UInt8](repeating: byte, count: count))
    }

    @Test func descriptorsStayWithTheirMessage() throws {
        let pair = try Pair()
        let passed = try (1...5).map { try descriptor(UInt8($0)) }
        defer { for number in passed { _ = close(number) } }
        // All of it waits before the first read, as behind a proxy that is busy.
        pair.send(try framed(10, 20))
        pair.send(try framed(11, 30), [passed[0], passed[1]])
        pair.send(try framed(12, 0))
        pair.send(try framed(13, 5), [passed[2]])
        pair.send(try framed(14, 5), [passed[3], passed[4]])
        pair.send(try framed(15, 5))
        let frames = pair.receive(6)
        #expect(frames.map { $0.payload.count } == [20, 30, 0, 5, 5, 5])
        #expect(frames.map(names) == [[], [1, 2], [], [3], [4, 5], []])
    }

    @Test func aLongMessageKeepsItsOwn() throws {
        let pair = try Pair()
        let passed = try (1...2).map { try descriptor(UInt8($0)) }
        defer { for number in passed { _ = close(number) } }
        let long = try framed(10, 150_000)
        let small = try framed(9, 100)
        pair.send(small)
        pair.send(long[..<1000], [passed[0]])
        #expect(names(try #require(pair.receive(1).first)).isEmpty)
        pair.send(long[1000..<90_000])
        pair.send(long[90_000...])
        pair.send(try framed(11, 10), [passed[1]])
        let frames = pair.receive(2)
        #expect(frames.map { $0.payload.count } == [150_000, 10])
        #expect(frames.map(names) == [[1], [2]])
    }

    @Test func whatNobodyTakesIsClosed() throws {
        let pair = try Pair()
        var ends: [Int32] = [-1, -1]
        #expect(pipe(&ends) == 0)
        pair.send(try framed(1, 4), [ends[1]])
        _ = close(ends[1])
        _ = pair.receive(1)
        // The pipe has no writer any more.
        var byte: UInt8 = 0
        #expect(read(ends[0], &byte, 1) == 0)
        _ = close(ends[0])
    }

    @Test func asManyAsAMessageCanCarryComeThrough() throws {
        let pair = try Pair()
        let passed = try (1...64).map { try descriptor(UInt8($0)) }
        defer { for number in passed { _ = close(number) } }
        pair.send(try framed(1, 4), passed)
        #expect(names(try #require(pair.receive(1).first)) == Array(1...64))
    }

    @Test func brokenFramingEndsTheLink() throws {
        let pair = try Pair()
        let passed = try descriptor(1)
        defer { _ = close(passed) }
        pair.send([255, 255, 255, 255, 0], [passed])
        #expect(pair.proxy.receive() == nil)
    }

    @Test func secretsAreWiped() {
        var bytes = Array("mb_0123456789_secret".utf8)
        bytes.wipe()
        #expect(bytes.allSatisfy { $0 == 0 })
        var none: [UInt8] = []
        none.wipe()
    }
}
