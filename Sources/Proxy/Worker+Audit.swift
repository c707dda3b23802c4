import Control
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

    /// Gives the spans made since the last time to the agent.
    func handOverSpans() {
        guard context.spans.count > 0 else { return }
        outbox.send(.spans(context.spans.bytes, count: context.spans.count))
        context.spans.bytes = []
        context.spans.count = 0
    }
}
