import Catalog
import Configuration
import Glibc
import Testing

/// The faults of `yaml`, as text; fails the test when there are none.
func faults(_ yaml: String, environment: [String: String] = [:], at location: SourceLocation = #_sourceLocation) -> [String] {
    do {
        _ = try Configuration.parse(yaml) { environment[$0] }
        Issue.record("accepted:\n\(yaml)", sourceLocation: location)
        return []
    } catch {
        return error.faults.map(\.description)
    }
}

/// The catalog of `yaml`; records its faults when it has any.
func catalog(
    _ yaml: String, environment: [String: String] = [:], at location: SourceLocation = #_sourceLocation
) throws -> Catalog {
    do {
        return try Configuration.parse(yaml) { environment[$0] }
    } catch {
        Issue.record("\(error)", sourceLocation: location)
        throw error
    }
}

func destination(_ network: String, _ prefix: Int, _ port: UInt16) throws -> Destination {
    let address = try #require(IPAddress(network))
    return Destination(network: try #require(CIDR(address: address, prefixLength: prefix)), port: port)
}

func socketAddress(_ text: String) throws -> SocketAddress { try #require(SocketAddress(text)) }

/// A directory of a test's own, with its files.
struct Scratch {
    struct Failure: Error { let what: String }

    let path: String

    /// Runs `body` with one, which goes away afterwards.
    static func with(_ body: (Scratch) throws -> Void) throws {
        var template = Array("/tmp/modelbroker-configuration-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure(what: "mkdtemp: \(errno)") }
        let scratch = Scratch(path: String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
        defer { scratch.remove() }
        try body(scratch)
    }

    /// The path of a file in it.
    @discardableResult func write(_ text: String, to name: String) throws -> String {
        let file = "\(path)/\(name)"
        guard let stream = fopen(file, "w") else { throw Failure(what: "open \(file): \(errno)") }
        defer { fclose(stream) }
        guard fwrite(text, 1, text.utf8.count, stream) == text.utf8.count else { throw Failure(what: "write \(file)") }
        return file
    }

    private func remove() {
        if let directory = opendir(path) {
            while let entry = readdir(directory) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
                if name != ".", name != ".." { unlink("\(path)/\(name)") }
            }
            closedir(directory)
        }
        rmdir(path)
    }
}
