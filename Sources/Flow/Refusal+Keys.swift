import HTTPWire
import Routing

extension Refusal {
    /// A value is not what its key asks for.
    static func malformed(_ fault: KeyFault) -> Refusal {
        Refusal(
            status: 400, type: "invalid_request_error", code: fault.code, param: fault.param, message: .text(fault.message))
    }
}

extension Flow {
    /// What is wrong with the keys of a request for an endpoint; nil: nothing, or nothing that its API knows.
    var keyFault: KeyFault? {
        mutating get {
            guard let fault = requestBody.keyFault, requestBody.isReadable else { return nil }
            switch family {
            case .v1: return fault
            case .ollama: return fault.key == .stream ? fault : nil
            case .v2, .other: return nil
            }
        }
    }
}
