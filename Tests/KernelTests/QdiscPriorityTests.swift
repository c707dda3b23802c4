import Catalog
import KernelPlane
import Testing

/// What one paced sender has offered and what came out of the device at the other end, in bytes on the wire.
private struct Flow {
    var offered: Double
    var arrived: Double
    /// Seconds in which the machine did not run it; it does not make up for them.
    var paused: Double
    /// What the class did not let through at once: dropped, or over its rate.
    var held: UInt64

    var loss: Double { 1 - arrived / offered }
}

extension KernelSuite {
    @Suite(.withNamespaces) struct QdiscPriorityTests {
        private let rate: UInt64 = 12_500_000

        /// As `contendOnce`, and again where the machine did not run the senders for more than a twentieth of the time: up to
        /// four times.
        private func contend(high: UInt8, low: UInt8, seconds: Double) throws -> [Flow] {
            for _ in 0..<3 {
                let flows = try contendOnce(high: high, low: low, seconds: seconds)
                if flows.allSatisfy({ $0.paused <= seconds * 0.05 }) { return flows }
                print("measured again, since the machine stood still: \(flows)")
            }
            return try contendOnce(high: high, low: low, seconds: seconds)
        }

        /// Two UDP senders of their own models at 90 % and 60 % of the device's rate.
        private func contendOnce(high: UInt8, low: UInt8, seconds: Double) throws -> [Flow] {
            var flows: [Flow] = []
            try QdiscGround.with { ground in
                var first = QoS()
                first.priority = high
                var second = QoS()
                second.priority = low
                let plan = QdiscPlan(
                    rate: rate,
                    models: [QdiscModel(slot: 1, name: "high", qos: first), QdiscModel(slot: 2, name: "low", qos: second)],
                    scheduler: .here())
                try ground.inside { try QdiscTree(device: "mba").build(plan, over: nil) }
                let receiver = try ground.python(ground.receiver, Self.receiver)
                #expect(try receiver.readLine() == "ready")
                let senders = try [(1, 0.9, 7001), (2, 0.6, 7002)].map { slot, share, port in
                    try ground.python(
                        ground.sender,
                        "PRIORITY, RATE, PORT, SECONDS = \(QdiscTree.classID(slot: UInt32(slot))), \(Double(rate) * share), "
                            + "\(port), \(seconds)\n" + Self.sender)
                }
                for sender in senders { #expect(try sender.readLine() == "ready") }
                for sender in senders { try sender.write(line: "go") }
                let sent = try senders.map { try $0.readLine().split(separator: " ").compactMap { Double($0) } }
                try receiver.write(line: "stop")
                let arrived = try receiver.readLine().split(separator: " ").compactMap { Double($0) }
                try #require(arrived.count == senders.count)
                let readings = try ground.inside { try QdiscTree(device: "mba").readings() }
                let classes = [UInt32(0x11), 0x12].map { minor in readings.first { $0.form.minor == minor } }
                for (index, reading) in classes.enumerated() {
                    let (offered, paused) = (sent[index].first ?? 0, sent[index].last ?? 0)
                    let held = reading.map { UInt64($0.drops) + UInt64($0.overlimits) } ?? 0
                    flows.append(Flow(offered: offered, arrived: arrived[index], paused: paused, held: held))
                    // All went where its socket said.
                    #expect(abs(Double(reading?.bytes ?? 0) - arrived[index]) <= arrived[index] * 0.01)
                }
            }
            return flows
        }

        @Test func theHighOneKeepsItsRate() throws {
            let seconds = 6.0
            let flows = try contend(high: 6, low: 2, seconds: seconds)
            let (high, low) = (try #require(flows.first), try #require(flows.last))
            for (name, flow) in [("high", high), ("low", low)] {
                print(
                    "\(name): offered \(flow.offered / seconds * 8e-6) Mbit/s, lost \(flow.loss * 100) %, paused \(flow.paused) s"
                )
            }
            #expect(high.loss < 0.02)
            #expect(low.held > 0)
            // What is left is the low one's, and the device is full but for the time in which nobody sends.
            let total = (high.arrived + low.arrived) / Double(rate)
            #expect(total > seconds * 0.95 - high.paused - low.paused && total < seconds * 1.05)
            // While the high one pauses all of it gets through.
            let leftOver = 0.1 * (seconds - high.paused) + 0.6 * high.paused
            #expect(low.arrived < Double(rate) * (leftOver + 0.1 * seconds), "\(low), with \(high)")
        }

        /// Nothing but the priority makes the difference.
        @Test func equalsShareTheLoss() throws {
            let flows = try contend(high: 0, low: 0, seconds: 2)
            #expect(try #require(flows.first).loss > 0.2)
            #expect(try #require(flows.last).held > 0)
        }

        /// Sends datagrams of 1442 bytes on the wire, on time: a late one makes the next ones follow at once, but for those of a
        /// time in which the machine did not run it. Of those it says for how long that was.
        private static let sender = """
            import socket, time
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY, PRIORITY)
            s.setsockopt(socket.SOL_SOCKET, 32, 8 << 20)  # SO_SNDBUFFORCE
            s.connect(("10.9.8.2", PORT))
            s.setblocking(False)
            s.send(b"")  # the neighbour is known from here on
            print("ready")
            input()
            data, interval = bytes(1400), 1442 / RATE
            start = last = time.monotonic()
            sent, paused = 0, 0.0
            while True:
                clock = time.monotonic()
                if clock - last > 0.005:
                    paused += clock - last
                last = clock
                if clock - start >= SECONDS:
                    break
                due = int((clock - start - paused) / interval)
                while sent < due:
                    sent += 1
                    try:
                        s.send(data)
                    except OSError:
                        pass  # lost, as if the device had dropped it
                time.sleep(0.0005)
            print(sent * 1442, paused)
            """

        /// Counts until it is told to stop and nothing has come for a while.
        private static let receiver = """
            import select, socket, sys
            ports = []
            for port in (7001, 7002):
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                s.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)  # SO_RCVBUFFORCE
                s.bind(("10.9.8.2", port))
                s.setblocking(False)
                ports.append(s)
            count, stopping = {s: 0 for s in ports}, False
            print("ready")
            while True:
                ready = select.select(ports + ([] if stopping else [sys.stdin]), [], [], 0.5 if stopping else None)[0]
                if stopping and not ready:
                    break
                for s in ready:
                    if s is sys.stdin:
                        stopping = True
                        continue
                    try:
                        while True:
                            if len(s.recv(2048)) == 1400:
                                count[s] += 1
                    except BlockingIOError:
                        pass
            print(*(count[s] * 1442 for s in ports))
            """
    }
}
