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
        let named = (pods ?? []).prefix(Self.podsNamed)
        for (index, pod) in named.enumerated() { facts.add(index == 0 ? "made by" : "", pod.text) }
        if let pods, pods.count > named.count { facts.add("", "and \(pods.count - named.count) other pods") }
        return facts
    }

    /// Of a client that a hundred pods are.
    private static let podsNamed = 10

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

extension ExplainReport.Pod {
    /// `shop/checkout-7d9f, service account checkout, client checkout`
    fileprivate var text: String {
        var parts = [name]
        if !serviceAccount.isEmpty { parts.append("service account \(serviceAccount)") }
        parts.append(isExempt ? "whose connections are not captured" : client.map { "client \($0)" } ?? "nobody's client")
        return parts.joined(separator: ", ")
    }
}

extension ExplainReport.Line {
    fileprivate var text: String {
        let time = expectedMilliseconds.map { ", for about \(Units.duration(milliseconds: $0))" } ?? ""
        return "at place \(place) of the group \(group) for \(model)" + time
    }
}
