internal import CBPFShim
import Glibc

/// The reading end of a ring buffer map. There must be one reader only.
package struct RingBuffer: ~Copyable {
    /// What the C callback gets to see: whom to hand the records to.
    private final class Sink {
        var body: ((UnsafeRawBufferPointer) -> Void)?
    }

    private let pointer: OpaquePointer
    private let sink: Sink
    private let name: String

    /// The map's descriptor is only used here, not kept.
    package init(map: Int32, name: String) throws(BPFError) {
        let sink = Sink()
        let context = Unmanaged.passUnretained(sink).toOpaque()
        let pointer = ring_buffer__new(map, Self.receive, context, nil)
        let errno = Glibc::errno
        guard let pointer else { throw BPFError(operation: "read ring buffer", object: name, errno: errno) }
        self.pointer = pointer
        self.sink = sink
        self.name = name
    }

    deinit { ring_buffer__free(pointer) }

    /// Readable when there are records.
    package var epollDescriptor: Int32 { ring_buffer__epoll_fd(pointer) }

    /// Waits at most so long (-1: for ever) and hands over the records there are; returns how many. A signal ends the
    /// wait early without an error.
    @discardableResult
    package mutating func poll(
        timeoutMilliseconds: Int32, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(BPFError) -> Int {
        let (result, errno) = withoutActuallyEscaping(body) { escaping in
            sink.body = escaping
            defer { sink.body = nil }
            let result = ring_buffer__poll(pointer, timeoutMilliseconds)
            return (result, Glibc::errno)
        }
        if result < 0 && errno == EINTR { return 0 }
        if result < 0 { throw BPFError(operation: "read ring buffer", object: name, errno: errno) }
        return Int(result)
    }

    private static let receive: @convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, Int) -> Int32 = {
        context, data, size in
        guard let context else { return 0 }
        Unmanaged<Sink>.fromOpaque(context).takeUnretainedValue().body?(UnsafeRawBufferPointer(start: data, count: size))
        return 0
    }
}
