private import CLinux
private import Control
private import Dispatch
private import Glibc
private import Synchronization

/// One connection of the proxy's socket: frames of a little-endian 32-bit length and a payload, both ways.
///
/// Reading blocks and belongs to one thread. Writing happens on a queue, so that a proxy that has stopped reading stops
/// nobody else; after `writeLimit` seconds it loses the connection.
final class LinkSocket: Sendable {
    /// Longest payload that is read.
    static let maximumFrame = 64 << 20
    private static let writeLimit = 5

    private let descriptor: Int32
    private let queue = DispatchQueue(label: "modelbroker.link")
    /// Changed on `queue` alone; the descriptor is closed there, so no write can meet a reused number.
    private let isOpen = Mutex(true)

    /// Takes the descriptor over.
    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        var limit = timeval(tv_sec: Self.writeLimit, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Who connected.
    func peer() throws(SystemError) -> (pid: Int32, uid: UInt32) {
        var pid: pid_t = 0
        var uid: uid_t = 0
        let result = clinux_peer(descriptor, &pid, &uid)
        guard result == 0 else { throw SystemError("identify", "the peer of the proxy's socket", code: -result) }
        return (pid, uid)
    }

    /// How long a read may wait for its next byte; zero: for ever.
    func setReadLimit(seconds: Int) {
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// The next payload, with the descriptors that came beside its first byte; nil at the end of the stream.
    func receive() throws(SystemError) -> (payload: [UInt8], passed: PassedDescriptors)? {
        guard let (head, passed) = try read(4) else { return nil }
        let length = head.reversed().reduce(0) { $0 << 8 | Int($1) }
        guard length <= Self.maximumFrame else { throw SystemError("read from", "the proxy", code: EMSGSIZE) }
        // Those that come in the middle of a message belong to none.
        guard let (payload, _) = try read(length) else { return nil }
        return (payload, passed)
    }

    /// Sends a payload, with descriptors beside its first byte. They stay the caller's and must stay open as long as this
    /// object, or as long as `owner`, which is kept until they have been sent.
    func send(_ payload: [UInt8], descriptors attached: [Int32] = [], owner: (any AnyObject & Sendable)? = nil) {
        queue.async { [self] in
            defer { withExtendedLifetime(owner) {} }
            guard isOpen.withLock({ $0 }) else { return }
            let length = UInt32(payload.count)
            let head = (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * UInt32($0))) }
            // A message that went out in part would shift all that follow.
            if !write(head + payload, attached) { end() }
        }
    }

    /// Ends both directions; the reader sees the end of the stream. What was sent before goes out first.
    func finish() {
        queue.async { [self] in
            if isOpen.withLock({ $0 }) { end() }
        }
    }

    /// Closes the descriptor. Called by the reader, last of all.
    func close() {
        queue.sync {
            isOpen.withLock { $0 = false }
            _ = Glibc.close(descriptor)
        }
    }

    private func end() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    private func write(_ bytes: [UInt8], _ attached: [Int32]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let result = bytes.withUnsafeBytes { view -> Int in
                guard let start = view.baseAddress else { return 0 }
                return clinux_send_with_descriptors(
                    descriptor, start + sent, view.count - sent, attached, sent == 0 ? attached.count : 0)
            }
            guard result > 0 else { return false }
            sent += result
        }
        return true
    }

    /// Exactly so many bytes; nil if the stream ends before the first. Memory grows with what arrives, not with what a
    /// length promises.
    private func read(_ count: Int) throws(SystemError) -> (bytes: [UInt8], passed: PassedDescriptors)? {
        var bytes: [UInt8] = []
        let passed = PassedDescriptors()
        var chunk = [UInt8](repeating: 0, count: min(count, 64 << 10))
        var numbers = [Int32](repeating: -1, count: HandedListener.maximumCount)
        while bytes.count < count {
            var numberCount = 0
            let got = clinux_receive_with_descriptors(
                descriptor, &chunk, min(chunk.count, count - bytes.count), &numbers, numbers.count, &numberCount)
            passed.take(numbers[..<numberCount])
            guard got >= 0 else { throw SystemError("read from", "the proxy", code: Int32(-got)) }
            if got == 0 {
                if bytes.isEmpty { return nil }
                throw SystemError("read from", "the proxy", code: EPIPE)
            }
            bytes.append(contentsOf: chunk[..<got])
        }
        return (bytes, passed)
    }
}
