/// A request that was let through, and what it took: to be settled once, when it is known what it used.
package struct Grant: Sendable {
    let page: QoSPage
    let slot: UInt32
    let model: String
    /// Tokens estimated.
    package let reserved: UInt64
    /// Of these, the prompt's.
    package let prompt: UInt64
    /// The estimate was taken out of the bucket.
    package internal(set) var isCharged = false
    /// Tokens are limited, so it is worth reading what was used.
    package internal(set) var limitsTokens = false

    init(page: QoSPage, slot: UInt32, model: String, reserved: UInt64, prompt: UInt64) {
        self.page = page
        self.slot = slot
        self.model = model
        self.reserved = reserved
        self.prompt = prompt
    }

    /// Puts what was used in the place of the estimate.
    package func settle(used: UInt64, now: UInt64) {
        guard isCharged, let limit = page.entry(slot, named: model).tokens else { return }
        page.bucket(slot, .tokens).correct(reserved, to: used, limit, now: now)
    }

    /// What is left of the model's limits as they are now.
    package func levels(now: UInt64) -> LimitLevels {
        page.levels(slot, page.entry(slot, named: model), now: now)
    }
}
