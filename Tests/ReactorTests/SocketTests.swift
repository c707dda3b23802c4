import Catalog
import Reactor
import Testing

@Suite struct SocketTests {
    static let any = SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 0)

    @Test(arguments: ["127.0.0.1", "::1"]) func connectsAndCarriesBytes(host: String) throws {
        let ip = try #require(IPAddress(host))
        let listener = try Socket.listen(SocketAddress(ip: ip, port: 0))
        let address = SocketAddress(localOf: listener.number)
        #expect(address.ip == ip && address.port != 0)
        var poller = try Poller()
        let client = try Socket.connect(address)
        try poller.add(connection: client.number, token: 1)
        try poller.add(source: listener.number, token: 2)
        var accepted: Int32 = -1
        var isConnected = false
        for _ in 0..<50 where accepted < 0 || !isConnected {
            for index in 0..<poller.wait(milliseconds: 100) {
                let ready = poller.ready(index)
                if ready.token == 1, ready.isWritable { isConnected = Socket.connectError(client.number) == 0 }
                if ready.token == 2, let socket = try Socket.accept(listener.number) { accepted = socket.take().take() }
            }
        }
        let server = Descriptor(owning: accepted)
        #expect(isConnected && accepted >= 0)
        let sent: [UInt8] = [1, 2, 3]
        guard case .bytes(3) = sent.withUnsafeBytes({ Socket.send(server.number, $0) }) else {
            Issue.record("send")
            return
        }
        try poller.add(connection: server.number, token: 3)
        var received = [UInt8](repeating: 0, count: 16)
        _ = poller.wait(milliseconds: 1000)
        guard case .bytes(3) = received.withUnsafeMutableBytes({ Socket.receive(client.number, into: $0) }) else {
            Issue.record("receive")
            return
        }
        #expect(Array(received[0..<3]) == sent)
        #expect(Socket.isDelivered(server.number))
        Socket.shutdownWrite(server.number)
        _ = poller.wait(milliseconds: 1000)
        guard case .end = received.withUnsafeMutableBytes({ Socket.receive(client.number, into: $0) }) else {
            Issue.record("no end")
            return
        }
    }

    @Test func aRefusedConnectSaysSo() throws {
        let address: SocketAddress
        do {
            let listener = try Socket.listen(Self.any)
            address = SocketAddress(localOf: listener.number)
        }
        do {
            let client = try Socket.connect(address)
            var poller = try Poller()
            try poller.add(connection: client.number, token: 1)
            #expect(poller.wait(milliseconds: 1000) == 1)
            #expect(Socket.connectError(client.number) != 0)
        } catch {
            #expect(error.operation.description == "connect")
        }
    }

    @Test func portsAreShared() throws {
        let first = try Socket.listen(Self.any)
        let second = try Socket.listen(SocketAddress(localOf: first.number))
        #expect(SocketAddress(localOf: first.number) == SocketAddress(localOf: second.number))
    }

    @Test func queuedBytesComeOutInOrder() {
        var queue = ByteQueue()
        for round in 0..<10 { [UInt8](repeating: UInt8(round), count: 1000).withUnsafeBytes { queue.append($0) } }
        var seen: [UInt8] = []
        while !queue.isEmpty {
            let piece = queue.withBytes { Array($0.prefix(777)) }
            seen += piece
            queue.drop(piece.count)
        }
        #expect(seen == (0..<10).flatMap { [UInt8](repeating: UInt8($0), count: 1000) })
    }

    @Test func theMailboxWakes() throws {
        let mailbox = try Mailbox<Int>()
        var poller = try Poller()
        try poller.add(source: mailbox.descriptor, token: 7)
        #expect(poller.wait(milliseconds: 0) == 0)
        mailbox.post(1)
        mailbox.post(2)
        #expect(poller.wait(milliseconds: 1000) == 1)
        #expect(mailbox.takeAll() == [1, 2])
        #expect(poller.wait(milliseconds: 0) == 0)
    }
}
