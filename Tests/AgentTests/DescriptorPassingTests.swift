import CLinux
import Glibc
import Testing

/// Several descriptors beside one message: in order, none of them left open where nobody takes it.
@Suite struct DescriptorPassingTests {
    /// Two ends of a socket, and the reading ends of `count` pipes that hold their own number each.
    private func withPipes(_ count: Int, _ body: (_ sender: Int32, _ receiver: Int32, _ pipes: [Int32]) throws -> Void) throws {
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        var pipes: [Int32] = []
        defer { for number in ends + pipes { close(number) } }
        for index in 0..<count {
            var pair: [Int32] = [-1, -1]
            try #require(pipe(&pair) == 0)
            var mark = UInt8(index)
            #expect(write(pair[1], &mark, 1) == 1)
            close(pair[1])
            pipes.append(pair[0])
        }
        try body(ends[0], ends[1], pipes)
    }

    private func mark(_ number: Int32) -> UInt8? {
        var mark: UInt8 = 0
        return read(number, &mark, 1) == 1 ? mark : nil
    }

    @Test(arguments: [0, 1, 3, 64]) func arriveInOrder(count: Int) throws {
        try withPipes(count) { sender, receiver, pipes in
            #expect(clinux_send_with_descriptors(sender, "abc", 3, pipes, pipes.count) == 3)
            var bytes = [UInt8](repeating: 0, count: 16)
            var taken = [Int32](repeating: -1, count: 64)
            var takenCount = 0
            #expect(clinux_receive_with_descriptors(receiver, &bytes, bytes.count, &taken, taken.count, &takenCount) == 3)
            #expect(takenCount == count)
            for index in 0..<count {
                #expect(mark(taken[index]) == UInt8(index))
                #expect(fcntl(taken[index], F_GETFD) & FD_CLOEXEC != 0)
                close(taken[index])
            }
        }
    }

    @Test func thoseBeyondTheLimitAreClosed() throws {
        try withPipes(3) { sender, receiver, pipes in
            #expect(clinux_send_with_descriptors(sender, "a", 1, pipes, 3) == 1)
            var bytes = [UInt8](repeating: 0, count: 16)
            var taken: [Int32] = [-1, -1]
            var takenCount = 0
            #expect(clinux_receive_with_descriptors(receiver, &bytes, bytes.count, &taken, 2, &takenCount) == 1)
            #expect(takenCount == 2 && mark(taken[0]) == 0 && mark(taken[1]) == 1)
            for number in taken { close(number) }
        }
    }

    @Test func moreThanAMessageCarriesIsRefused() throws {
        try withPipes(1) { sender, _, pipes in
            let many = [Int32](repeating: pipes[0], count: 65)
            #expect(clinux_send_with_descriptors(sender, "a", 1, many, many.count) == -Int(EINVAL))
        }
    }
}
