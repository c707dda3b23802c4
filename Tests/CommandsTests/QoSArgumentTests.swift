import ArgumentParser
import Catalog
import Testing

@testable import Commands

@Suite struct QoSArgumentTests {
    private func change(_ field: QoSField, _ value: String) throws(QoSArgumentFaults) -> QoS {
        try QoSArguments.change([(field, value)])
    }

    private func parse(_ arguments: String...) throws -> QoSSet {
        try #require(try ModelBroker.parseAsRoot(["qos", "set", "llama"] + arguments) as? QoSSet)
    }

    @Test func readsEveryOption() throws {
        let command = try parse(
            "--requests", "100/s", "--burst", "20", "--tokens", "600000/m", "--token-burst", "5000", "--connects", "50/h",
            "--connect-burst", "7", "--connections", "200", "--bandwidth", "50MiB/s", "--priority", "high", "--dscp", "26",
            "--mode", "observe", "--class", "best-effort")
        var expected = QoS()
        expected.requests = Rate(100, per: .second)
        expected.burst = 20
        expected.tokens = Rate(600_000, per: .minute)
        expected.tokenBurst = 5000
        expected.connects = Rate(50, per: .hour)
        expected.connectBurst = 7
        expected.connections = 200
        expected.bandwidth = 50 << 20
        expected.priority = 6
        expected.dscp = 26
        expected.mode = .observe
        expected.service = .bestEffort
        #expect(try QoSArguments.change(command.values.given) == expected)
        #expect(command.model == "llama")
    }

    @Test func everyFieldHasItsOption() throws {
        for field in QoSField.allCases {
            let value = field == .mode ? "enforce" : field == .service ? "burstable" : field.isRate ? "1/s" : "1"
            let command = try parse("--\(field.optionName)", field == .bandwidth ? "1MiB/s" : value)
            #expect(command.values.given.map(\.field) == [field])
        }
    }

    @Test func leavesWhatIsNotGivenAlone() throws {
        var expected = QoS()
        expected.dscp = 0
        #expect(try change(.dscp, "0") == expected)
    }

    @Test func noneTakesALimitOff() throws {
        #expect(try change(.requests, "none").requests == .unlimited)
        #expect(try change(.tokens, "none").tokens == .unlimited)
        #expect(try change(.connects, "none").connects == .unlimited)
        #expect(try change(.connections, "none").connections == QoS.unlimited)
        #expect(try change(.bandwidth, "none").bandwidth == QoS.unlimited)
        for field in QoSField.allCases where !field.isLimit {
            #expect(throws: QoSArgumentFaults.self) { try change(field, "none") }
        }
    }

    @Test func aRateOfZeroIsARate() throws {
        #expect(try change(.connects, "0/s").connects == Rate(0, per: .second))
        #expect(try change(.connections, "0").connections == 0)
    }

    @Test func namesPriorities() throws {
        for (text, value) in [("high", 6), ("normal", 0), ("low", 2), ("0", 0), ("7", 7)] as [(String, UInt8)] {
            #expect(try change(.priority, text).priority == value)
        }
    }

    @Test(
        arguments: [
            (
                .requests,
                ["", "100", "100/", "/s", "100/w", "-1/s", "+1/s", "1.5/s", " 100/s", "100 /s", "100/s/s", "1e3/s", "None"]
            ),
            (.tokens, ["99999999999999999999/m", "600k/m", "600000/M"]), (.connects, ["٣/s", "0x10/s", "1/s\n"]),
            (.burst, ["0", "-1", "", "1/s", "1.0", "99999999999999999999"]), (.tokenBurst, ["0", "many"]),
            (.connectBurst, ["0", "1s"]),
            (.connections, ["", "-1", "200/s", "two"]),
            (.bandwidth, ["0", "0MiB/s", "50", "50MiB", "50mib/s", "-1MiB/s", "/s", "fast"]),
            (.priority, ["8", "-1", "HIGH", "", "256"]), (.dscp, ["64", "-1", "ef", "", "320"]),
            (.mode, ["", "Enforce", "off", "enforce "]), (.service, ["", "besteffort", "gold"]),
        ] as [(QoSField, [String])])
    func refusesAndNamesTheOptionAndTheForm(_ field: QoSField, _ values: [String]) throws {
        for value in values {
            let faults = #expect(throws: QoSArgumentFaults.self) { try change(field, value) }
            let fault = try #require(faults?.faults.first)
            #expect(fault.hasPrefix("--\(field.optionName) takes ") && fault.hasSuffix("not \"\(value.printable)\""), "\(fault)")
            #expect(ModelBroker.run(["qos", "set", "m", "--\(field.optionName)=\(value)"]) == 2, "\(field) \(value)")
        }
    }

    @Test func tellsOfAllFaultsAtOnceAndChangesNothing() {
        let given: [(field: QoSField, value: String)] = [(.requests, "x"), (.burst, "20"), (.dscp, "99")]
        let faults = #expect(throws: QoSArgumentFaults.self) { try QoSArguments.change(given) }
        #expect(faults?.faults.count == 2)
    }

    @Test func wantsSomethingToSet() {
        let faults = #expect(throws: QoSArgumentFaults.self) { try QoSArguments.change([]) }
        #expect(faults?.faults.first?.contains("--token-burst") == true)
        #expect(ModelBroker.run(["qos", "set", "m"]) == 2)
        #expect(ModelBroker.run(["qos", "set"]) == 2)
        #expect(ModelBroker.run(["qos", "reset"]) == 2)
    }
}

extension QoSField {
    fileprivate var isRate: Bool { self == .requests || self == .tokens || self == .connects }
}
