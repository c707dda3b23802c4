import NIOCore

extension ChannelHandlerContext {
    /// In segments of so many bytes; without Nagle's algorithm each flush is one. nil: in one piece.
    func write(_ bytes: [UInt8], segment: Int? = nil) {
        guard !bytes.isEmpty else { return }
        let size = segment ?? bytes.count
        for start in stride(from: 0, to: bytes.count, by: size) {
            let segment = bytes[start..<min(start + size, bytes.count)]
            writeAndFlush(NIOAny(channel.allocator.buffer(bytes: segment)), promise: nil)
        }
    }

    func write(_ text: String) { writeAndFlush(NIOAny(channel.allocator.buffer(string: text)), promise: nil) }

    /// The other side's address and port.
    var peer: String {
        guard let address = remoteAddress, let ip = address.ipAddress, let port = address.port else { return "" }
        return address.protocol == .inet6 ? "[\(ip)]:\(port)" : "\(ip):\(port)"
    }
}
