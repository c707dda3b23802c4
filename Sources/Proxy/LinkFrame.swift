import Glibc

/// A message of the agent's with the descriptors that came beside it. What nobody takes of them is closed, and its bytes,
/// which may hold keys, are wiped when it goes.
final class LinkFrame {
    private(set) var payload: [UInt8]
    private var descriptors: [Int32]

    init(_ payload: consuming [UInt8], _ descriptors: [Int32]) {
        self.payload = payload
        self.descriptors = descriptors
    }

    deinit {
        Self.close(descriptors)
        payload.wipe()
    }

    /// In the order in which they were sent; the caller owns them.
    func takeDescriptors() -> [Int32] {
        defer { descriptors = [] }
        return descriptors
    }

    static func close(_ descriptors: [Int32]) {
        for descriptor in descriptors { _ = Glibc.close(descriptor) }
    }
}

extension [UInt8] {
    /// Overwrites the bytes where they stand, provided that nobody else has them.
    mutating func wipe() {
        withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            explicit_bzero(base, bytes.count)
        }
    }
}
