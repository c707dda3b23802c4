import Catalog
import Control
import Glibc
import Testing

@testable import Agent

/// What a proxy sends when it is asked for its listeners is what it says, or nothing of it is used.
@Suite struct HandOverTests {
    /// A socket of its own, closed with it unless it was passed on.
    private func socket(_ type: Int32 = Int32(SOCK_STREAM.rawValue), listening: Bool = true) throws -> (Int32, SocketAddress) {
        let number = Glibc.socket(AF_INET, type, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(number, $0, size) }
        }
        try #require(bound == 0)
        if listening { try #require(listen(number, 8) == 0) }
        var length = size
        _ = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(number, $0, &length) }
        }
        return (number, SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: UInt16(bigEndian: address.sin_port)))
    }

    private func isOpen(_ number: Int32) -> Bool { fcntl(number, F_GETFD) >= 0 }

    @Test func whatIsRightIsTaken() throws {
        var handOver = HandOver(netnsCookie: 0)
        let (number, address) = try socket()
        handOver.take(HandedListener(address: address, purpose: .capture, count: 1), PassedDescriptors([number]))
        let sockets = try handOver.finish(1)
        #expect(sockets.count == 1)
        #expect(sockets.portions.first?.descriptors.numbers == [number])
    }

    @Test func whatIsNotUsedIsClosed() throws {
        let (number, address) = try socket()
        do {
            var handOver = HandOver(netnsCookie: 0)
            handOver.take(HandedListener(address: address, purpose: .gateway, count: 1), PassedDescriptors([number]))
            #expect(throws: AgentError.self) { try handOver.finish(2) }
        }
        #expect(!isOpen(number))
    }

    @Test func countsHaveToMatch() throws {
        var handOver = HandOver(netnsCookie: 0)
        let (number, address) = try socket()
        handOver.take(HandedListener(address: address, purpose: .capture, count: 2), PassedDescriptors([number]))
        #expect(throws: AgentError.self) { try handOver.finish(1) }
        var none = HandOver(netnsCookie: 0)
        none.take(HandedListener(address: address, purpose: .capture, count: 1), PassedDescriptors())
        #expect(throws: AgentError.self) { try none.finish(0) }
    }

    @Test func onlyListeningSocketsOfThatAddressWillDo() throws {
        let (listening, address) = try socket()
        let (bound, boundAddress) = try socket(listening: false)
        let (datagrams, datagramAddress) = try socket(Int32(SOCK_DGRAM.rawValue), listening: false)
        let file = open("/dev/null", O_RDONLY)
        let unix = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let cases: [(Int32, SocketAddress)] = [
            (listening, SocketAddress(ip: address.ip, port: address.port ^ 1)),
            (bound, boundAddress), (datagrams, datagramAddress), (file, address), (unix, address), (9999, address),
        ]
        for (number, claimed) in cases {
            var handOver = HandOver(netnsCookie: 0)
            handOver.take(HandedListener(address: claimed, purpose: .capture, count: 1), PassedDescriptors([number]))
            #expect(throws: AgentError.self) { try handOver.finish(1) }
        }
    }

    @Test func socketsOfOtherNamespacesAreRefused() throws {
        var handOver = HandOver(netnsCookie: 0xdead)
        let (number, address) = try socket()
        handOver.take(HandedListener(address: address, purpose: .capture, count: 1), PassedDescriptors([number]))
        #expect(throws: AgentError.self) { try handOver.finish(1) }
    }

    @Test func thereIsABound() throws {
        var handOver = HandOver(netnsCookie: 0, limit: 3)
        let (number, address) = try socket()
        defer { close(number) }
        let listener = HandedListener(address: address, purpose: .capture, count: 2)
        for _ in 0..<2 {
            handOver.take(listener, PassedDescriptors((0..<2).map { _ in fcntl(number, F_DUPFD_CLOEXEC, 10) }))
        }
        #expect(throws: AgentError.self) { try handOver.finish(4) }
    }
}
