internal import Catalog
internal import Control
private import ControlCoding
private import Glibc

/// `<state-dir>/keys.json`: the keys that were made with `key new`, without the keys.
struct KeyFile: Sendable {
    /// Bytes of the file, and keys in it, at most.
    static let maximumBytes = 8 << 20
    static let maximumKeys = 10_000
    private static let version = 1

    /// What reading brought.
    enum Content: Sendable {
        case keys([ManagedKey])
        /// It can't be read, for this reason; it has been put aside under another name, unless that failed, too.
        case unusable(reason: String, aside: String?)
    }

    private struct Document: Codable {
        struct Entry: Codable {
            var id: String
            var client: String
            var salt: String
            var digest: String
            var notBefore: Int64?
            var expires: Int64?
        }

        var version: Int
        var keys: [Entry]
    }

    let path: String

    /// - Parameter now: seconds since 1970, for the name of a file that is put aside.
    func read(now: UInt64) -> Content {
        do {
            return .keys(try parse(try File.read(path, limit: Self.maximumBytes)))
        } catch let error as SystemError {
            if error.code == ENOENT { return .keys([]) }
            // What can't be read now may be readable another time: only a file that is too large is put aside.
            return .unusable(reason: error.description, aside: error.code == EFBIG ? putAside(now) : nil)
        } catch {
            return .unusable(reason: "\(path): \(error)", aside: putAside(now))
        }
    }

    /// - Throws: when it can't be made to last; what it said before stays.
    func write(_ keys: [ManagedKey]) throws(AgentError) {
        let entries = keys.map { managed in
            Document.Entry(
                id: managed.key.id, client: managed.client, salt: Hexadecimal.text(managed.key.salt),
                digest: Hexadecimal.text(managed.key.digest), notBefore: managed.key.notBefore, expires: managed.key.expires)
        }
        let bytes: [UInt8]
        do { bytes = try ControlLine.json(Document(version: Self.version, keys: entries), pretty: true) } catch {
            throw AgentError(error.description)
        }
        do { try File.replaceDurably(path, with: bytes, mode: 0o600) } catch { throw AgentError(error) }
    }

    private func parse(_ bytes: [UInt8]) throws -> [ManagedKey] {
        let document = try ControlLine.decode(Document.self, from: bytes)
        guard document.version == Self.version else { throw AgentError("its version is \(document.version)") }
        guard document.keys.count <= Self.maximumKeys else { throw AgentError("it has \(document.keys.count) keys") }
        var seen: Set<String> = []
        return try document.keys.map { entry in
            let key = try KeyRequest(
                client: entry.client, id: entry.id, salt: entry.salt, digest: entry.digest, notBefore: entry.notBefore,
                expires: entry.expires
            ).key()
            guard seen.insert(key.id).inserted else { throw AgentError("it has the key \(key.id) twice") }
            return ManagedKey(client: entry.client, key: key)
        }
    }

    private func putAside(_ now: UInt64) -> String? {
        let other = "\(path).unusable-\(now)"
        return rename(path, other) == 0 ? other : nil
    }
}

extension KeyRequest {
    /// The key that it is about.
    ///
    /// - Throws: what is wrong with it.
    func key() throws(AgentError) -> APIKey {
        guard (1...64).contains(id.utf8.count), id.utf8.allSatisfy(Self.isOfID) else {
            throw AgentError("a key's id is 1 to 64 of a-z, 0-9, \"-\", \".\" and \"_\"")
        }
        guard let salt = Hexadecimal.bytes(salt), (16...64).contains(salt.count) else {
            throw AgentError("the salt of key \(id) is not 16 to 64 bytes in hexadecimal digits")
        }
        guard let digest = Hexadecimal.bytes(digest), digest.count == 32 else {
            throw AgentError("the digest of key \(id) is not 32 bytes in hexadecimal digits")
        }
        if let notBefore, let expires, expires <= notBefore { throw AgentError("key \(id) would expire before it begins") }
        return APIKey(id: id, salt: salt, digest: digest, notBefore: notBefore, expires: expires)
    }

    private static func isOfID(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
            UInt8(ascii: "."):
            true
        default: false
        }
    }
}

/// Bytes as pairs of digits.
enum Hexadecimal {
    static func text(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// nil: not pairs of digits.
    static func bytes(_ text: String) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        for position in stride(from: 0, to: digits.count, by: 2) {
            guard let high = value(digits[position]), let low = value(digits[position + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
