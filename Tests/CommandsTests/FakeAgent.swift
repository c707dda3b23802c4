import Glibc
import Synchronization

/// A control socket in a directory of its own, served by one thread that treats a connection as the test says.
final class FakeAgent: Sendable {
    /// One accepted connection, in the words of a server that may misbehave.
    struct Connection {
        let descriptor: Int32

        /// Sends it all; false when the client has gone.
        @discardableResult func send(_ bytes: [UInt8]) -> Bool {
            var sent = 0
            while sent < bytes.count {
                let count = bytes[sent...].withUnsafeBytes {
                    Glibc::send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { return false }
                sent += count
            }
            return true
        }

        @discardableResult func send(_ text: String) -> Bool { send(Array(text.utf8)) }

        /// What the client sends up to a newline or its end.
        func line() -> String {
            var bytes: [UInt8] = []
            var byte: UInt8 = 0
            while recv(descriptor, &byte, 1, 0) == 1, byte != UInt8(ascii: "\n") { bytes.append(byte) }
            return String(decoding: bytes, as: UTF8.self)
        }

        /// Waits until the client closes its end.
        func untilGone() {
            var byte: UInt8 = 0
            while recv(descriptor, &byte, 1, 0) > 0 {}
        }

        func pause(milliseconds: Int32) { _ = poll(nil, 0, milliseconds) }
    }

    let directory: String
    private let listener: Int32
    private let thread = Mutex<pthread_t?>(nil)

    /// - Parameters:
    ///   - times: connections that are served, one after the other.
    ///   - serve: nil: connections wait in the backlog for ever.
    init(times: Int = 1, _ serve: (@Sendable (Connection) -> Void)?) throws {
        directory = try Scratch.directory()
        listener = try Self.listen(directory + "/control.sock")
        guard let serve else { return }
        let listener = listener
        thread.withLock {
            $0 = Thread.start {
                for _ in 0..<times {
                    let client = accept(listener, nil, nil)
                    guard client >= 0 else { return }
                    serve(Connection(descriptor: client))
                    _ = close(client)
                }
            }
        }
    }

    deinit {
        // Wakes an accept() that nobody came to.
        _ = shutdown(listener, Int32(SHUT_RDWR))
        if let thread = thread.withLock({ $0 }) { pthread_join(thread, nil) }
        _ = close(listener)
        Scratch.remove(directory)
    }

    private static func listen(_ path: String) throws -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0, Glibc::listen(descriptor, 0) == 0 else { throw Scratch.Failure(what: "listen on \(path): \(errno)") }
        return descriptor
    }
}

/// Threads that may block, which tasks must not.
enum Thread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    static func start(_ body: @escaping @Sendable () -> Void) -> pthread_t? {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(Body(body)).toOpaque()
        let code = pthread_create(
            &thread, nil,
            { context in
                if let context { Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run() }
                return nil
            }, context)
        return code == 0 ? thread : nil
    }
}

/// Directories and files of a test.
enum Scratch {
    struct Failure: Error { let what: String }

    static func directory() throws -> String {
        var template = Array("/tmp/modelbroker-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure(what: "mkdtemp: \(errno)") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func write(_ text: String, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard descriptor >= 0 else { throw Failure(what: "open \(path): \(errno)") }
        defer { _ = close(descriptor) }
        guard Glibc::write(descriptor, text, text.utf8.count) == text.utf8.count else {
            throw Failure(what: "write \(path): \(errno)")
        }
    }

    /// Removes a directory of plain files.
    static func remove(_ directory: String) {
        for name in ["control.sock", "proxy.sock", "state.json", "audit.jsonl", "file"] { _ = unlink("\(directory)/\(name)") }
        _ = rmdir(directory)
    }
}
