/// What one class of tickets has used of a model beyond its part, in tokens: an account of deficit round robin
/// (Shreedhar and Varghese, 1996). The one with the most credit for its weight is next; where nobody has any, a round is
/// given to all, as long as it must be for the first to get out of debt. So nobody gets a burst, whatever the weights.
struct FairAccount: Sendable {
    /// Corrections that are remembered: the least weight of a new one.
    private static let memory = 64.0
    /// Mean requests: debt and credit beyond these are forgiven and forgotten.
    private static let mostDebt = 256.0
    private static let mostCredit = 64.0

    let weight: Double
    private(set) var deficit = 0.0
    /// The level's rounds that the account has been given, in tokens for a weight of 1.
    private var round = 0.0

    /// Means of what was estimated and what it came to.
    private var estimates = 0.0
    private var costs = 0.0
    private var corrections = 0.0
    /// Estimates of what is under way, and what has been charged for each token of them.
    private var outstanding = 0.0
    private var chargedRate = 1.0

    init(weight: UInt32) { self.weight = Double(max(1, weight)) }

    /// Under other terms, what is owed stays owed.
    init(weight: UInt32, former: FairAccount) {
        self.init(weight: weight)
        deficit = min(0, former.deficit)
        (estimates, costs, corrections) = (former.estimates, former.costs, former.corrections)
        (outstanding, chargedRate) = (former.outstanding, former.chargedRate)
    }

    /// Credit for its weight: who has most is next.
    var standing: Double { deficit / weight }

    /// The rounds that went by without it pay its debts, and give no credit: who wants nothing loses his part.
    mutating func catchUp(to rounds: Double) {
        if deficit < 0 { deficit = min(0, deficit + (rounds - round) * weight) }
        round = rounds
    }

    /// It wants something again.
    mutating func wake(at rounds: Double) {
        catchUp(to: rounds)
        deficit = min(0, deficit)
    }

    /// - Parameter length: tokens for a weight of 1; it has caught up with all rounds before.
    mutating func give(round length: Double) {
        deficit += length * weight
        round += length
    }

    /// Charges what its estimates have come to of late, and answers how much that is.
    mutating func charge(_ estimate: UInt64, mean: Double) -> Double {
        let estimate = Double(max(1, estimate))
        let rate = estimates > 0 ? min(256, max(1.0 / 256, costs / estimates)) : 1
        let charge = max(1, estimate * rate)
        chargedRate = (chargedRate * outstanding + charge) / (outstanding + estimate)
        outstanding = min(outstanding + estimate, 1024 * max(mean, estimate))
        deficit = max(deficit - charge, -(Self.mostDebt * mean + charge))
        return charge
    }

    /// What was charged was not used at all.
    mutating func refund(_ estimate: UInt64, charge: Double, mean: Double) {
        outstanding = max(0, outstanding - Double(max(1, estimate)))
        correct(by: charge, mean)
    }

    /// What it came to takes the place of what was charged.
    mutating func settle(_ estimate: UInt64, real: UInt64, mean: Double) {
        let estimate = Double(max(1, estimate))
        let real = Double(real)
        corrections = min(corrections + 1, Self.memory)
        estimates += (estimate - estimates) / corrections
        costs += (real - costs) / corrections
        outstanding = max(0, outstanding - estimate)
        correct(by: estimate * chargedRate - real, mean)
    }

    private mutating func correct(by amount: Double, _ mean: Double) {
        let most = Self.mostCredit * max(mean, 1)
        let least = -Self.mostDebt * max(mean, 1)
        // What it was beyond the bounds already is left alone.
        deficit = min(max(deficit + amount, min(deficit, least)), max(deficit, most))
    }
}
