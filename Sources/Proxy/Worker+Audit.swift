import Flow

/// What is written down of decisions.
extension Worker {
    /// Gives the lines made since the last time to the thread that writes them.
    func handOverAudit() {
        guard !context.audit.bytes.isEmpty else { return }
        let lines = context.audit.lines - auditHandedOver
        auditHandedOver = context.audit.lines
        audit.write(&context.audit.bytes, lines: Int(lines), auditLines)
    }
}
