import Catalog
import Commands
import Control
import ControlCoding
import Telemetry
import Testing

/// What programs that read the CLI's JSON or the control socket rely on.
@Suite struct JSONShapeTests {
    @Test(
        arguments: [
            (.status, #"{"command":"status"}"#), (.models, #"{"command":"models"}"#),
            (.model(name: "a\"b"), #"{"command":"model","name":"a\"b"}"#),
            (.flows(model: nil, client: nil), #"{"command":"flows"}"#),
            (.flows(model: "m", client: "c"), #"{"client":"c","command":"flows","model":"m"}"#),
            (.captures, #"{"command":"captures"}"#), (.clients, #"{"command":"clients"}"#),
            (
                .qosChanged(QoSNotice(model: "m", uid: 7, change: "burst 1 -> 2")),
                #"{"command":"qos-changed","notice":{"change":"burst 1 -> 2","model":"m","uid":7}}"#
            ),
            (.events(follow: true, last: 3, level: .info), #"{"command":"events","follow":true,"last":3}"#),
            (.replaceProxy(uid: 0), #"{"command":"replace-proxy","uid":0}"#), (.replaceProxy(), #"{"command":"replace-proxy"}"#),
            (.detach, #"{"command":"detach"}"#), (.reload, #"{"command":"reload"}"#),
        ] as [(ControlRequest, String)])
    func requests(_ request: ControlRequest, _ text: String) throws {
        #expect(try json(request) == text)
        #expect(try ControlLine.decode(ControlRequest.self, from: Array(text.utf8)) == request)
    }

    @Test(arguments: [
        #"{"command":"qos-changed"}"#, #"{"command":"qos-changed","notice":{"model":"m"}}"#, "", "{}", "[]", "null",
        #"{"command":"format"}"#, #"{"command":"model"}"#, #"{"command":"flows","model":7}"#,
        #"{"command":"events","last":"all"}"#, #"{"command":7}"#, "\u{0}", #"{"command":"status""#,
    ])
    func refusesRequests(_ text: String) {
        #expect(throws: ControlLineError.self) { try ControlLine.decode(ControlRequest.self, from: Array(text.utf8)) }
    }

    @Test func readsANegativeNumberOfEventsAsNone() throws {
        let request = try ControlLine.decode(ControlRequest.self, from: Array(#"{"command":"events","last":-4}"#.utf8))
        #expect(request == .events(follow: false, last: 0, level: .info))
    }

    @Test func answersStandOnOneLine() throws {
        let answer = try ControlLine.encode(ControlResponse.success(["a\nb"]))
        #expect(answer.filter { $0 == UInt8(ascii: "\n") }.count == 1)
        #expect(try json(ControlResponse<[String]>.failure("no")) == #"{"error":"no","ok":false}"#)
        #expect(try ControlLine.decode(ControlResponse<[String]>.self, from: answer) == .success(["a\nb"]))
    }

    @Test func flows() throws {
        let address = SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 80)
        var record = FlowRecord(
            id: 9, entrance: .capture, state: .streaming, pid: 5, uid: 0, command: "curl", cgroup: 77, caller: address,
            dialled: address, model: "m", bytesOut: 2048, ageMilliseconds: 12)
        let captured = try json(FlowReport(record, workload: FlowReport.gone(77), rule: "llm"))
        #expect(
            captured == """
                {"ageMilliseconds":12,"bytesIn":0,"bytesOut":2048,"caller":"127.0.0.1:80","cgroup":77,"client":"",\
                "command":"curl","dialled":"127.0.0.1:80","entrance":"capture","id":9,"model":"m","netnsCookie":0,"pid":5,\
                "requests":0,"rule":"llm","state":"streaming","uid":0,"workload":"cgroup:77"}
                """)
        record.entrance = .gateway
        let gateway = FlowReport(record, workload: "/x", rule: "llm")
        #expect(gateway.pid == nil && gateway.rule == nil && gateway.workload.isEmpty)
    }

    @Test func models() throws {
        var counters = ModelCounters()
        counters.requests = 2
        counters.rateLimited = 7
        counters.tokenLimited = 8
        counters.accessRefused = 9
        counters.tokens = 1000
        let model = Model(
            name: "m",
            endpoints: [
                Endpoint(
                    host: "127.0.0.1", port: 80, authority: "127.0.0.1",
                    addresses: [SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 80)])
            ])
        let failures = [SocketAddress(ip: IPAddress(v4: 127, 0, 0, 1), port: 80): 3 as UInt64]
        let text = try json(ModelReport(model, counters: counters, failures: failures))
        #expect(
            text.contains(
                #""endpoints":[{"addresses":["127.0.0.1:80"],"engine":"openai","failures":3,"url":"http://127.0.0.1","weight":1}]"#
            ))
        #expect(text.contains(#""firstByte":{"count":0}"#) && text.contains(#""source":"catalog""#))
        #expect(text.contains(#""requests":2"#))
        for counter in [#""rateLimited":7"#, #""tokenLimited":8"#, #""accessRefused":9"#, #""tokens":1000"#] {
            #expect(text.contains(counter))
        }
        let shown = ModelReport(model, counters: counters).text(width: nil)
        #expect(shown.contains("7 over the limit of requests, 8 over that of tokens, 9 not the caller's to call"))
    }

    @Test func eventsOfTheProxy() throws {
        let event = EventReport(ProxyEvent(kind: .unknownModel, model: "gpt", cgroup: 4), time: "t", workload: "/w")
        #expect(try json(event) == #"{"kind":"unknown-model","model":"gpt","time":"t","workload":"/w"}"#)
        #expect(event.line == "t  unknown-model  model=gpt  workload=/w")
        let refusal = EventReport(
            ProxyEvent(kind: .refused, model: "m", reason: "tokens", detail: "429 no"), time: "t", workload: nil)
        #expect(try json(refusal) == #"{"detail":"429 no","kind":"refused","model":"m","reason":"tokens","time":"t"}"#)
    }

    @Test func status() throws {
        var status = StatusReport()
        status.kernel.counters = ["connects": 4]
        status.proxy.state = .backoff
        let line = try ControlLine.encode(status)
        #expect(try ControlLine.decode(StatusReport.self, from: line) == status)
        let text = String(decoding: line, as: UTF8.self)
        #expect(text.contains(#""counters":{"connects":4}"#) && text.contains(#""state":"backoff""#))
    }

    @Test func mapEntriesKeepNumbersNumbers() throws {
        let entry = MapEntry(fields: [("client", "7"), ("destination", "10.0.0.0/8:*"), ("offset", "-1")])
        #expect(try json([entry]) == #"[{"client":7,"destination":"10.0.0.0/8:*","offset":"-1"}]"#)
    }

    @Test func agentsNotes() throws {
        let text = #"{"brokerCgroup":"/c/mb","pinDirectory":"/p","podAddresses":["169.254.77.1"]}"#
        let state = try ControlLine.decode(BrokerState.self, from: Array(text.utf8))
        #expect(state == BrokerState(brokerCgroup: "/c/mb", podAddresses: ["169.254.77.1"], pinDirectory: "/p"))
    }

    @Test func timestamps() {
        #expect(Timestamp.text(seconds: 0, milliseconds: 7) == "1970-01-01T00:00:00.007Z")
        #expect(Timestamp.text(seconds: 1_795_075_200, milliseconds: 999) == "2026-11-19T08:00:00.999Z")
    }
}
