import Admission
import Catalog
import Control
import HTTPWire
import Identity
import Routing
import Telemetry

/// Which sockets are at work for the request, and under which entry.
extension Flow {
    /// Puts both connections under the entry of the request's model. Where that has a bandwidth they are at work from now
    /// on, and share it.
    mutating func tagLegs(_ context: inout FlowContext, _ out: inout FlowOutput) {
        guard let model = taggedModel(context) else {
            slot = 0
            out.add(.tag(.client, model: 0, active: nil))
            return
        }
        slot = context.admission.slot(model)
        sharesBandwidth = context.admission.hasBandwidth(model)
        let active = sharesBandwidth ? true : nil
        out.add(.tag(.client, model: slot, active: active))
        out.add(.tag(.upstream, model: slot, active: active))
    }

    /// The model whose entry governs what is sent now; nil: none's.
    private mutating func taggedModel(_ context: FlowContext) -> Int? {
        if isOpaque { return dedicatedModel(context) }
        guard course == .endpoint, exchange.model >= 0, exchange.version == context.routesVersion else { return nil }
        return exchange.model
    }

    /// Nothing is being sent any more: others may have this connection's part of the bandwidth.
    mutating func restLegs(_ context: inout FlowContext, _ out: inout FlowOutput) {
        guard slot != 0 else { return }
        if !sharesBandwidth {
            // It may have got one while the request was under way.
            guard let model = taggedModel(context), !isOpaque, context.admission.hasBandwidth(model) else { return }
        }
        sharesBandwidth = false
        out.add(.tag(.client, model: slot, active: false))
        if hasUpstream { out.add(.tag(.upstream, model: slot, active: false)) }
    }

    /// These slots are other models' by now, and what the kernel had under them it has let go.
    package mutating func leave(_ slots: Set<UInt32>) {
        guard slots.contains(slot) else { return }
        slot = 0
        sharesBandwidth = false
    }

    /// The model that the address dialled is dedicated to.
    func dedicatedModel(_ context: FlowContext) -> Int? {
        guard !caller.model.isEmpty else { return nil }
        return context.routes.model(named: caller.model.utf8Span.span)
    }
}
