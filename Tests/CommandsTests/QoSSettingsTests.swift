import Catalog
import Commands
import Testing

@Suite struct QoSSettingsTests {
    @Test func tellsWhereAValueComesFrom() {
        var file = QoS()
        file.requests = Rate(100, per: .second)
        file.connects = Rate(50, per: .second)
        var live = QoS()
        live.requests = Rate(300, per: .second)
        live.connects = .unlimited
        var inForce = file
        inForce.requests = live.requests
        inForce.connects = live.connects
        let settings = QoSSettings(configured: file, live: live, inForce: inForce).byName
        #expect(settings.count == QoSField.allCases.count)
        #expect(
            settings["requests"] == .init(value: "300/s", amount: 300, source: .live, configured: "100/s", live: "300/s"))
        #expect(settings["connects"] == .init(value: "none", amount: nil, source: .live, configured: "50/s", live: "none"))
        #expect(settings["burst"] == .init(value: "30", amount: 30, source: .default, configured: nil, live: nil))
        #expect(settings["connectBurst"]?.value == "none" && settings["tokens"]?.value == "none")
        #expect(settings["mode"] == .init(value: "enforce", amount: nil, source: .default, configured: nil, live: nil))
        #expect(settings["class"]?.value == "best-effort")
    }

    @Test func aBurstIsAtLeastOne() {
        var qos = QoS()
        qos.requests = Rate(1, per: .day)
        qos.tokens = Rate(600, per: .minute)
        #expect(QoSSettings.value(of: .burst, in: qos) == "1")
        #expect(QoSSettings.value(of: .tokenBurst, in: qos) == "10")
    }
}
