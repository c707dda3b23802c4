/// A qdisc that stood on the device before ours and can be put back as it was.
package struct FormerQdisc: Hashable, Sendable, Codable, CustomStringConvertible {
    package var kind: String
    package var handle: UInt32
    /// TCA_OPTIONS as the kernel told them; empty: it takes none.
    package var options: [UInt8]

    package init(kind: String, handle: UInt32, options: [UInt8] = []) {
        self.kind = kind
        self.handle = handle
        self.options = options
    }

    package var description: String { "\(kind) \(Self.text(handle))" }

    /// `8001:`, `1:10`, as tc writes handles and classes.
    package static func text(_ handle: UInt32) -> String {
        let minor = handle & 0xffff
        return String(handle >> 16, radix: 16) + ":" + (minor == 0 ? "" : String(minor, radix: 16))
    }

    /// Kinds whose description is all that it takes to make another like it. They take what they tell, attribute by
    /// attribute; those of the first row take nothing.
    private static let plain: Set = ["pfifo_fast", "noqueue", "mq"]
    private static let described: Set = ["pfifo", "bfifo", "pfifo_head_drop", "tbf", "fq", "fq_codel", "codel"]

    /// nil: this kind cannot be put back exactly.
    init?(_ qdisc: QdiscDescription) {
        guard !qdisc.isOpaque else { return nil }
        if Self.plain.contains(qdisc.kind) {
            self.init(kind: qdisc.kind, handle: qdisc.handle)
        } else if Self.described.contains(qdisc.kind) {
            self.init(kind: qdisc.kind, handle: qdisc.handle, options: qdisc.options)
        } else {
            return nil
        }
    }
}
