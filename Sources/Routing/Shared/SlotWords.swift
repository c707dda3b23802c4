/// What limits the requests under way, by the numbers of endpoints and of models.
struct SlotWords: Sendable {
    /// Slots of an endpoint; 0: any number.
    let limits = AtomicWords(count: EndpointNumbers.limit)
    /// Requests that its engine has of others at least, and what the last reading alone said of that.
    let foreign = AtomicWords(count: EndpointNumbers.limit)
    let lastForeign = AtomicWords(count: EndpointNumbers.limit)
    /// The most that were under way since it was looked at last.
    let peaks = AtomicWords(count: EndpointNumbers.limit)
    /// 1: its server does not run.
    let asleep = AtomicWords(count: EndpointNumbers.limit)
    /// When a connection of a server on demand broke last; nanoseconds.
    let broken = AtomicWords(count: EndpointNumbers.limit)
    let modelInFlight = AtomicWords(count: EndpointNumbers.modelLimit)
    let modelLimits = AtomicWords(count: EndpointNumbers.modelLimit)
    /// How many wait for a model, and above these the bit of those whose slots are in part kept for groups.
    let gates = AtomicWords(count: EndpointNumbers.modelLimit)
    /// By model and group: requests under way, those that did not wait, and tokens that nobody has taken up yet.
    let groupInFlight = AtomicWords(count: EndpointNumbers.modelLimit * RoutingShared.groupLimit)
    let immediate = AtomicWords(count: EndpointNumbers.modelLimit * RoutingShared.groupLimit)
    let tokens = AtomicWords(count: EndpointNumbers.modelLimit * RoutingShared.groupLimit)

    func deallocate() {
        let endpoints = [limits, foreign, lastForeign, peaks, asleep, broken]
        for words in endpoints + [modelInFlight, modelLimits, gates, groupInFlight, immediate, tokens] { words.deallocate() }
    }
}
