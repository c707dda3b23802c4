import CLinux
import Control
import Glibc
import Reactor

/// The proxy's end of the agent's socket: frames both ways, and descriptors that may come beside one.
struct LinkSocket: ~Copyable {
    private let socket: Descriptor
    private var assembler = FrameAssembler()
    /// Those of the message that has not come as a whole yet.
    private var descriptors: [Int32] = []
    /// Descriptors came for which this process had no room: what the agent said is not known.
    private(set) var hasLostDescriptors = false
    /// Descriptors that are taken beside one message: of `listener`, which has the most.
    private static let descriptorLimit = HandedListener.maximumCount

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

    /// One end of a pair.
    init(_ socket: consuming Descriptor) { self.socket = socket }

    deinit { LinkFrame.close(descriptors) }

    /// - Parameter descriptors: go beside the message, and stay the caller's.
    /// - Returns: false when the agent has gone.
    func send(_ payload: [UInt8], descriptors: [Int32] = []) -> Bool {
        guard let frame = try? FrameAssembler.framed(payload) else { return false }
        var sent = 0
        while sent < frame.count {
            let count = frame.withUnsafeBytes { bytes in
                bytes.baseAddress.map {
                    clinux_send_with_descriptors(
                        number, $0 + sent, bytes.count - sent, descriptors, sent == 0 ? descriptors.count : 0)
                } ?? 0
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Reads once; nil when the agent has gone or breaks the framing, or descriptors were lost.
    ///
    /// The kernel ends a read with the write that descriptors were sent beside, and the agent sends them beside the first
    /// bytes of their message: so they belong to the message that the last byte read is of.
    mutating func receive() -> [LinkFrame]? {
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        defer { bytes.wipe() }
        var passed = [Int32](repeating: -1, count: Self.descriptorLimit)
        var passedCount = 0
        let count = clinux_receive_with_descriptors(number, &bytes, bytes.count, &passed, passed.count, &passedCount)
        let new = Array(passed[..<passedCount])
        guard count > 0 else {
            LinkFrame.close(new)
            hasLostDescriptors = count == -Int(EMFILE)
            return nil
        }
        var frames: [LinkFrame] = []
        do throws(WireError) {
            assembler.feed(bytes[0..<count])
            while let payload = try assembler.next() {
                let isLast = assembler.pendingBytes == 0
                // Those that were waiting for this message, or came with all of it.
                frames.append(LinkFrame(payload, descriptors + (isLast ? new : [])))
                descriptors = []
                if isLast { return frames }
            }
        } catch {
            LinkFrame.close(new)
            return nil
        }
        descriptors += new
        return frames
    }
}
