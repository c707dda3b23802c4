import Catalog
import Glibc

@testable import Agent

/// A socket on a free port of 127.0.0.1, whose connections are met one after the other by a thread of its own.
final class FakeListener: Sendable {
    let address: SocketAddress
    private let descriptor: Int32

    init() throws {
        let ip = IPAddress(v4: 127, 0, 0, 1)
        let descriptor = try Listener.tcp(SocketAddress(ip: ip, port: 0))
        self.descriptor = descriptor
        var name = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &name) { pointer in
            _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        address = SocketAddress(ip: ip, port: UInt16(bigEndian: name.sin_port))
    }

    deinit { shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// Once.
    ///
    /// - Parameter serve: what is done with a connection, which is its to close. False: there is nobody any more to meet it.
    func start(_ serve: @escaping @Sendable (_ caller: Int32) -> Bool) throws {
        let descriptor = descriptor
        try BackgroundThread.start("fake server") {
            while true {
                let caller = accept(descriptor, nil, nil)
                guard caller >= 0 else { break }
                var limit = timeval(tv_sec: 2, tv_usec: 0)
                setsockopt(caller, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
                guard serve(caller) else {
                    close(caller)
                    break
                }
            }
            close(descriptor)
        }
    }

    /// What a caller says up to the end of a head.
    static func head(_ caller: Int32) -> String {
        var request: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while !String(decoding: request, as: UTF8.self).contains("\r\n\r\n") {
            let got = recv(caller, &chunk, chunk.count, 0)
            guard got > 0 else { break }
            request += chunk[..<got]
        }
        return String(decoding: request, as: UTF8.self)
    }

    static func say(_ text: String, _ caller: Int32) { say(Array(text.utf8), caller) }

    static func say(_ bytes: [UInt8], _ caller: Int32) {
        var sent = 0
        while sent < bytes.count {
            let result = bytes.withUnsafeBytes { view in
                view.baseAddress.map { send(caller, $0 + sent, view.count - sent, Int32(MSG_NOSIGNAL)) } ?? 0
            }
            guard result > 0 else { return }
            sent += result
        }
    }
}
