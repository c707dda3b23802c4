/// The CLI tells the agent of a model's entry that it has changed in the kernel, so that `events` shows it.
package struct QoSNotice: Hashable, Sendable, Codable {
    package var model: String
    package var uid: UInt32
    /// What changed, in words: `requests 100/s -> 300/s`.
    package var change: String

    package init(model: String, uid: UInt32, change: String) {
        self.model = model
        self.uid = uid
        self.change = change
    }
}

/// The answer to what needs none.
package struct Acknowledgement: Hashable, Sendable, Codable {
    package init() {}
}
