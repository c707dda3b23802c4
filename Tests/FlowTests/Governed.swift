import Admission
import Catalog
import Control
import Flow
import Identity
import Routing

/// A driver whose flow's models have entries in a page of their own.
extension FlowDriver {
    /// The slot of the model `m`.
    static let slot: UInt32 = 5

    /// - Parameters:
    ///   - qos: of the model `m`; the model `open` has no entry.
    ///   - client: who calls; empty: nobody that is known.
    init(
        _ memory: QoSMemory, _ qos: QoS, _ entrance: FlowRecord.Entrance = .gateway, access: Model.Access = .public,
        clients: [Client] = [], client: String = "", dedicated: String = ""
    ) {
        self.init(entrance)
        memory.put(qos, "m", slot: Self.slot)
        let endpoint = Endpoint(host: "e", port: 9101, authority: "e:9101", addresses: [Self.engine], engine: .raw)
        let models = [
            Model(name: "m", endpoints: [endpoint], access: access, routing: Self.once),
            Model(name: "open", endpoints: [endpoint], routing: Self.once),
        ]
        context.adopt(
            RoutingTable(models), Node(),
            admission: AdmissionTable(memory.page, slots: [Self.slot, 0], models: models.map(\.name)),
            access: AccessTable(models: models, clients: clients),
            directory: ClientDirectory(Catalog(models: models, clients: clients)))
        var caller = Caller(entrance: entrance, address: Self.dialled, dialled: Self.dialled)
        caller.client = client
        caller.model = dedicated
        if entrance == .capture { (caller.unknown, caller.opaque) = (.relay, .relay) }
        flow = Flow(caller, &context)
    }

    /// A whole exchange; what the client gets.
    mutating func exchange(_ request: String = Text.post(), _ answer: String = Text.answer) -> String {
        client(request)
        connected()
        upstream(answer)
        return takeClient()
    }

    /// The counters of the model `m`.
    var counters: ProxyStatistics.ModelEntry? { context.ledger.statistics().models.first { $0.name == "m" } }
}

extension QoS {
    static func with(_ change: (inout QoS) -> Void) -> QoS {
        var qos = QoS()
        change(&qos)
        return qos
    }

    /// Two requests at once, then one each second.
    static let twoRequests = with {
        $0.requests = Rate(1, per: .second); $0.burst = 2
    }
    /// A thousand tokens at once, then a hundred each second.
    static let thousandTokens = with {
        $0.tokens = Rate(100, per: .second); $0.tokenBurst = 1000
    }
}

extension Text {
    static func json(_ body: String, fields: String = "") -> String {
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    static let streamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

    static func chunk(_ text: String) -> String { "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n" }

    /// 80 bytes: 20 tokens of prompt; 100 of answer at most.
    static let prompt = #"{"model":"m","max_tokens":100,"prompt":"0123456789012345678901234567890123456"}"#
}
