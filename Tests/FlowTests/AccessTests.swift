import Admission
import Catalog
import Control
import Flow
import Identity
import Routing
import Telemetry
import Testing

/// Who may call a model, and who is told that it exists.
@Suite struct AccessTests {
    static let clients = [
        Client(name: "listed", allow: ["m"]), Client(name: "held", allow: ["open"]), Client(name: "denies", deny: ["m"]),
        Client(name: "both", allow: ["m"], deny: ["m"]), Client(name: "none", allow: []), Client(name: "plain"),
    ]

    @Test(arguments: [
        (Model.Access.public, "listed", true), (.public, "held", false), (.public, "denies", false), (.public, "both", false),
        (.public, "none", false), (.public, "plain", true), (.public, "", true), (.private, "listed", true),
        (.private, "held", false), (.private, "denies", false), (.private, "both", false), (.private, "none", false),
        (.private, "plain", false), (.private, "", false),
    ])
    func isJudgedAsInTheKernel(access: Model.Access, client: String, allowed: Bool) {
        let memory = QoSMemory()
        var driver = FlowDriver(memory, .twoRequests, access: access, clients: Self.clients, client: client)
        driver.client("GET /v1/models HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(driver.takeClient().contains(#""id":"m""#) == allowed)
        driver.client("GET /v1/models/m HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 \(allowed ? "200 OK" : "404 Not Found")\r\n"))
        _ = driver.takeActions()
        driver.client(Text.post())
        #expect(memory.counts(FlowDriver.slot, .requests).admitted == (allowed ? 1 : 0))
        guard !allowed else {
            #expect(driver.takeActions().last == .connect(FlowDriver.engine, .pooled, tls: 0))
            return
        }
        #expect(driver.takeActions().isEmpty)
        let answer = driver.takeClient()
        #expect(answer.hasPrefix("HTTP/1.1 403 Forbidden\r\n") && !answer.contains("x-ratelimit"))
        #expect(
            answer.hasSuffix(
                #"{"error":{"message":"You may not call the model 'm'.","type":"permission_error","param":"model","code":"model_not_allowed"}}"#
            ))
        #expect(driver.counters?.counters.accessRefused == 1 && driver.counters?.counters.active == 0)
        #expect(driver.events.last?.detail.hasPrefix("403 ") == true)
    }

    @Test func withoutListsAndPrivateModelsEverythingIsOpen() {
        let table = AccessTable(models: [Model(name: "m", endpoints: [])], clients: [Client(name: "c", workloads: ["/a"])])
        #expect(table.isOpen && table.mayCall(0, client: "c") && table.mayCall(0, client: "") && table.mayCall(9, client: "x"))
    }

    @Test func requestsWithoutAModelAreTheDedicatedOnes() {
        var driver = FlowDriver(QoSMemory(), .twoRequests, .capture, dedicated: "m")
        driver.client(Text.post(#"{"prompt":"x"}"#))
        #expect(driver.takeActions().last == .connect(FlowDriver.engine, .pooled, tls: 0))
        driver.connected()
        driver.upstream(Text.answer)
        #expect(driver.takeClient().contains("x-ratelimit-remaining-requests: 1\r\n"))
        driver.client("GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(driver.takeActions().last == .connect(FlowDriver.engine, .pooled, tls: 0))
        #expect(driver.counters?.counters.requests == 2)
    }

    @Test func aModelThatIsNamedGoesBeforeTheDedicatedOne() {
        var driver = FlowDriver(QoSMemory(), .twoRequests, .capture, dedicated: "m")
        #expect(!driver.exchange(Text.post(#"{"model":"open"}"#)).contains("x-ratelimit"))
        driver.client(Text.post(#"{"model":"elsewhere"}"#))
        #expect(driver.takeActions().last == .connect(FlowDriver.dialled, .own, tls: 0))
    }

    @Test func aDedicatedModelThatIsGoneIsNobodys() {
        var driver = FlowDriver(QoSMemory(), .twoRequests, .capture, dedicated: "gone")
        driver.client(Text.post(#"{"prompt":"x"}"#))
        #expect(driver.takeActions().last == .connect(FlowDriver.dialled, .own, tls: 0))
    }
}
