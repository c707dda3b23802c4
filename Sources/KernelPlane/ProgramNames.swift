internal import BPF

/// Names of programs that are not ours; `?` for one that has none or cannot be asked.
enum ProgramNames {
    static func name(of id: UInt32) -> String {
        do {
            guard let program = try BPFProgram.withID(id) else { return "?" }
            let name = try program.facts().name
            return name.isEmpty ? "?" : name
        } catch {
            return "?"
        }
    }
}
