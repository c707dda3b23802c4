import Catalog
import Control
import Flow
import Identity
import Routing
import Telemetry
import Testing

/// What a request does, by its path, and who may do that.
@Suite struct OperationTests {
    /// A client for each operation, which may do that and nothing else with the model `m`.
    static let catalog = Gate.catalog { catalog in
        for index in 0..<2 { catalog.models[0].endpoints[index].engine = .raw }
        catalog.clients += Operation.allCases.map { operation in
            Client(name: operation.text, allow: [AccessRule(names: ["m"], operations: Operations([operation]))])
        }
    }

    @Test(arguments: [
        ("POST", "/v1/chat/completions", Operation.chat), ("POST", "/v1/completions", .chat), ("POST", "/v1/responses", .chat),
        ("POST", "/v1/messages", .chat), ("POST", "/v1/messages/count_tokens?a=b", .chat), ("POST", "/api/chat", .chat),
        ("POST", "/api/generate", .chat), ("POST", "/v2/models/m/infer", .chat), ("POST", "/v2/models/m/generate_stream", .chat),
        ("POST", "/v2/models/m/versions/1/infer", .chat), ("POST", "/v1/embeddings", .embeddings),
        ("POST", "/v1/rerank", .embeddings), ("POST", "/v1/score", .embeddings), ("POST", "/api/embed", .embeddings),
        ("POST", "/api/embeddings", .embeddings), ("GET", "/v2/models/m", .list), ("GET", "/v2/models/m/ready", .list),
        ("POST", "/api/show", .list), ("POST", "/v1/images/generations", .other), ("POST", "/v1/completionsX", .other),
        ("POST", "/api/pull", .admin), ("POST", "/api/push", .admin), ("POST", "/api/create", .admin),
        ("POST", "/api/copy", .admin), ("DELETE", "/api/delete", .admin), ("PUT", "/api/pull", .admin),
        ("DELETE", "/v1/models/m", .admin), ("POST", "/v2/repository/models/m/load", .admin),
        ("POST", "/v2/repository/models/m/unload", .admin), ("POST", "/api/%70ull", .admin), ("POST", "/api//pull", .admin),
        ("POST", "/api/./pull", .admin), ("POST", "/v1/../api/pull", .admin), ("POST", "/api/pull/", .admin),
        ("POST", "/api/pull;a=b", .admin), ("POST", "/v1/embeddings/../chat/completions", .chat),
    ])
    func isJudgedByPathAndMethod(method: String, path: String, operation: Operation) {
        for client in Operation.allCases {
            var driver = FlowDriver(gate: Self.catalog, workload: client.text)
            let body = #"{"model":"m"}"#
            let hasBody = method != "GET"
            driver.client(
                "\(method) \(path) HTTP/1.1\r\nHost: a\r\n"
                    + (hasBody ? "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)" : "\r\n"))
            let isAllowed = client == operation
            #expect((driver.connect() != nil) == isAllowed, "\(client) \(path)")
            let answer = driver.takeClient()
            #expect(isAllowed ? answer.isEmpty : answer.hasPrefix("HTTP/1.1 403 "), "\(client) \(path): \(answer)")
        }
    }

    @Test func toAdministerHasToBeAllowedByName() {
        for client in ["shop", "guest"] {
            var driver = FlowDriver(gate: Self.catalog, workload: client)
            driver.client(Text.post(path: "/api/delete"))
            let answer = driver.takeClient()
            #expect(answer.contains("for the operation 'admin'.") && driver.connect() == nil)
        }
    }

    @Test func withoutClientsAdministeringIsAsItWas() {
        var driver = FlowDriver(gate: FlowDriver.pair())
        driver.client("POST /v2/repository/models/m/load HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 404 "))
        driver.client("DELETE /v1/models/m HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 405 "))
    }

    @Test func theServersNameOfTheModelStandsInItsPath() {
        let catalog = Gate.catalog { catalog in
            catalog.models[0].endpoints[0].engine = .raw
            catalog.models[0].endpoints[0].upstreamModel = "org/real"
            catalog.clients[2].allow = [AccessRule(names: ["*"], operations: Operations([.admin]))]
        }
        for (method, path, wanted) in [
            ("DELETE", "/v1/models/m", "/v1/models/org%2Freal"),
            ("POST", "/v2/repository/models/m/load", "/v2/repository/models/org%2Freal/load"),
        ] {
            var driver = FlowDriver(gate: catalog, workload: "shop")
            driver.client("\(method) \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            driver.connected()
            #expect(driver.takeUpstream().hasPrefix("\(method) \(wanted) HTTP/1.1\r\n"))
        }
    }

    @Test func listsShowWhatMayBeCalledNow() {
        let catalog = Gate.catalog { catalog in
            catalog.clients[0].allow = ["hidden"]
            catalog.clients[2].allow = [
                AccessRule(names: ["m"], operations: Operations([.list])),
                AccessRule(names: ["hidden"], operations: Operations([.chat, .list])),
            ]
            catalog.clients[3].deny = [AccessRule(names: ["m"], operations: Operations([.list]))]
        }
        for (client, wanted) in [("checkout", ["hidden"]), ("batch", ["m"]), ("shop", ["hidden"]), ("guest", [])] {
            var driver = FlowDriver(gate: catalog, workload: client)
            driver.client("GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n")
            let answer = driver.takeClient()
            for model in ["m", "hidden"] {
                #expect(answer.contains("\"id\":\"\(model)\"") == wanted.contains(model), "\(client) \(model)")
                driver.client("GET /v1/models/\(model) HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(driver.takeClient().hasPrefix("HTTP/1.1 \(wanted.contains(model) ? 200 : 404) "))
            }
        }
    }

    @Test func theRuleThatClosesIsNamed() {
        let catalog = Gate.catalog {
            $0.clients[2].deny = [AccessRule(names: ["m"], operations: Operations([.embeddings]), name: "no-batch")]
        }
        var driver = FlowDriver(gate: catalog, workload: "shop")
        driver.client(Text.post(path: "/v1/embeddings"))
        let answer = driver.takeClient()
        #expect(
            answer.hasPrefix("HTTP/1.1 403 ") && answer.contains("operation_not_allowed") && answer.contains("(rule 'no-batch')"))
        #expect(driver.clients["shop"]?.counters.accessRefused == 1)
        driver.client(Text.post())
        #expect(driver.connect() == FlowDriver.engine)
    }

    @Test func aWindowOpensAndCloses() {
        // The 21st of November 2026, a Saturday, noon.
        let window = TimeWindow(days: 1 << 6, from: 12 * 60, to: 13 * 60)
        let catalog = Gate.catalog { $0.clients[2].allow = [AccessRule(names: ["m"], times: [window])] }
        for (offset, status) in [(Int64(-1), 403), (0, 200), (3599, 200), (3600, 403)] {
            var driver = FlowDriver(gate: catalog, workload: "shop")
            driver.context.epoch = Gate.now + offset
            driver.client(Text.post())
            #expect((driver.connect() != nil) == (status == 200), "\(offset)")
        }
    }
}
