/// What all connections of an engine share.
struct EngineState: Sendable {
    let options: EngineOptions
    let life: Life
    let served: ServiceLog
    let log: RequestLog
    let faults = Faults()
    let ledger = UsageLedger()
    let slots: Slots

    init(options: EngineOptions, life: Life, served: ServiceLog) {
        self.options = options
        self.life = life
        self.served = served
        log = RequestLog(keeping: options.records)
        slots = Slots(limit: options.size.capacity)
    }
}
