/// What would become of a request that nobody makes.
extension AdmissionTable {
    /// Why such a request would not pass now; nil: it would. What it takes for a moment is given back; a refusal is counted
    /// with the others.
    package mutating func denial(_ model: Int, _ demand: Demand) -> Denial? {
        switch admit(model, demand) {
        case .ungoverned: return nil
        case .denied(let denial): return denial
        case .granted(var grant):
            grant.takeBack(now: demand.now)
            return nil
        }
    }
}
