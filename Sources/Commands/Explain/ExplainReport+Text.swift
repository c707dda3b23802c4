package import Control

extension ExplainReport {
    /// What `modelbroker explain` prints.
    package func text(width: Int?) -> String {
        var parts = [facts.rendered()]
        if !stages.isEmpty { parts.append(stages.map { "  \($0.printable)\n" }.joined()) }
        if !candidates.isEmpty { parts.append(table.rendered(width: width)) }
        parts.append(outcome.rendered())
        return parts.joined(separator: "\n")
    }

    private var facts: Facts {
        var facts = Facts()
        facts.add("request for", model)
        facts.add("which is", kind.map { name == model ? "a \($0)" : "the \($0) \(name)" } ?? "nothing of that name")
        facts.add("strategy", strategy)
        return facts
    }

    private var outcome: Facts {
        var facts = Facts()
        if let chosen {
            facts.add("goes to", "\(chosen.url) (\(chosen.model), \(chosen.address))" + (chosen.isFallback ? ", a fallback" : ""))
        } else if let waitsIn {
            facts.add("waits", waitsIn.text)
        } else {
            let answer = [status.map { "\($0)" }, refusal].compactMap(\.self).joined(separator: " ")
            facts.add("is refused", answer.isEmpty ? "yes" : answer)
        }
        return facts
    }

    private var table: Table {
        var table = Table([
            .init(""), .init("model", shrinks: true), .init("endpoint", shrinks: true), .init("address"), .init("score", .right),
            .init("why", shrinks: true),
        ])
        for candidate in candidates {
            table.add([
                candidate.isChosen ? "->" : " ", candidate.model, candidate.url + (candidate.isFallback ? " *" : ""),
                candidate.address, candidate.score.map(Units.score) ?? "", candidate.note,
            ])
        }
        return table
    }
}

extension ExplainReport.Line {
    fileprivate var text: String {
        let time = expectedMilliseconds.map { ", for about \(Units.duration(milliseconds: $0))" } ?? ""
        return "at place \(place) of the group \(group) for \(model)" + time
    }
}
