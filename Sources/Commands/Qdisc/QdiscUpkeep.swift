internal import KernelPlane

/// Brings the trees to the models' entries after one was changed by hand, so that its class has the new values when the
/// command returns, agent or no agent.
enum QdiscUpkeep {
    static func refresh(runDirectory: String, pinDirectory: String) throws {
        let records = try QdiscNotes.read(runDirectory)
        guard !records.isEmpty else { return }
        let models = try QoSTable(pinDirectory: pinDirectory).qdiscModels()
        for record in records {
            let tree = QdiscTree(device: record.device)
            guard try tree.standing(recorded: true) == .ours else { continue }
            try tree.update(to: QdiscPlan(rate: record.rate, models: models, scheduler: .here()))
        }
    }
}
