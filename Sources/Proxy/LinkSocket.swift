import CLinux
import Control
import Glibc
import Reactor

/// The proxy's end of the agent's socket: frames both ways, and descriptors that may come beside one.
struct LinkSocket: ~Copyable {
    private let socket: Descriptor
    private var assembler = FrameAssembler()
    private var descriptors: [Int32] = []
    /// Descriptors that are taken beside one message: the maps `listeners`, `models` and `buckets`.
    private static let descriptorLimit = 3

    var number: Int32 { socket.number }

    /// nil when nobody listens there.
    init?(path: String) {
        let number = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { return nil }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { target in
            guard path.utf8.count < target.count else { return false }
            target.copyBytes(from: path.utf8)
            return true
        }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard fits, result == 0 else {
            _ = Glibc.close(number)
            return nil
        }
        socket = Descriptor(owning: number)
    }

    deinit {
        for descriptor in descriptors { _ = Glibc.close(descriptor) }
    }

    /// The descriptors that came with the last frames, in order; the caller owns them.
    mutating func takeDescriptors() -> [Int32] {
        defer { descriptors = [] }
        return descriptors
    }

    /// False when the agent has gone.
    func send(_ payload: [UInt8]) -> Bool {
        guard let frame = try? FrameAssembler.framed(payload) else { return false }
        var sent = 0
        while sent < frame.count {
            let count = frame.withUnsafeBytes {
                Glibc.send(number, $0.baseAddress?.advanced(by: sent), $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Reads once; nil when the agent has gone or breaks the framing.
    mutating func receive() -> [[UInt8]]? {
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        var passed = [Int32](repeating: -1, count: Self.descriptorLimit)
        var passedCount = 0
        let count = clinux_receive_with_descriptors(number, &bytes, bytes.count, &passed, passed.count, &passedCount)
        if passedCount > 0 {
            for descriptor in descriptors { _ = Glibc.close(descriptor) }
            descriptors = Array(passed[..<passedCount])
        }
        guard count > 0 else { return nil }
        var frames: [[UInt8]] = []
        do throws(WireError) {
            assembler.feed(bytes[0..<count])
            while let frame = try assembler.next() { frames.append(frame) }
        } catch {
            return nil
        }
        return frames
    }
}
