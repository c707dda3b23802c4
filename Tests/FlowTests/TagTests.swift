import Admission
import Catalog
import Control
import Flow
import Routing
import Testing

/// Which entry the two connections are said to be under, and when they are at work.
@Suite struct TagTests {
    static let slot = FlowDriver.slot

    static func tags(_ driver: inout FlowDriver) -> [FlowAction] {
        driver.takeActions().filter { if case .tag = $0 { true } else { false } }
    }

    @Test func anExchangePutsBothLegsUnderItsModel() {
        var driver = FlowDriver(QoSMemory(), QoS())
        driver.client(Text.post())
        #expect(Self.tags(&driver).isEmpty)
        driver.connected()
        #expect(
            Self.tags(&driver) == [.tag(.client, model: Self.slot, active: nil), .tag(.upstream, model: Self.slot, active: nil)])
        driver.upstream(Text.answer)
        #expect(Self.tags(&driver).isEmpty, "nothing to divide")
        driver.client(Text.post(#"{"model":"open"}"#))
        driver.connected(reused: true)
        #expect(Self.tags(&driver) == [.tag(.client, model: 0, active: nil), .tag(.upstream, model: 0, active: nil)])
    }

    @Test func withABandwidthTheyAreAtWorkForTheLengthOfTheExchange() {
        var driver = FlowDriver(QoSMemory(), .with { $0.bandwidth = 1 << 20 })
        driver.client(Text.post())
        driver.connected()
        #expect(
            Self.tags(&driver) == [
                .tag(.client, model: Self.slot, active: true), .tag(.upstream, model: Self.slot, active: true),
            ])
        driver.upstream(Text.answer)
        #expect(
            driver.takeActions() == [
                .tag(.client, model: Self.slot, active: false), .tag(.upstream, model: Self.slot, active: false),
                .releaseUpstream(reusable: true),
            ])
    }

    @Test func aBandwidthThatCameMeanwhileIsSharedNoLongerEither() {
        let memory = QoSMemory()
        var driver = FlowDriver(memory, QoS())
        driver.client(Text.post())
        driver.connected()
        memory.put(.with { $0.bandwidth = 1 << 20 }, "m", slot: Self.slot)
        _ = Self.tags(&driver)
        driver.upstream(Text.answer)
        #expect(
            Self.tags(&driver) == [
                .tag(.client, model: Self.slot, active: false), .tag(.upstream, model: Self.slot, active: false),
            ])
    }

    @Test func aRefusalLetsTheClientsSideRest() {
        var driver = FlowDriver(QoSMemory(), .with { $0.bandwidth = 1 << 20 })
        driver.client(Text.post())
        driver.connected()
        _ = Self.tags(&driver)
        driver.ended(.upstream)
        #expect(driver.takeClient().hasPrefix("HTTP/1.1 502 "))
        #expect(Self.tags(&driver).first == .tag(.client, model: Self.slot, active: false))
        driver.client(Text.post(#"{"model":"nothing"}"#))
        #expect(Self.tags(&driver).isEmpty)
    }

    @Test func whatGoesToTheAddressDialledIsUnderNone() {
        var driver = FlowDriver(QoSMemory(), .with { $0.bandwidth = 1 }, .capture)
        _ = driver.exchange()
        _ = Self.tags(&driver)
        driver.client(Text.post(#"{"model":"elsewhere"}"#))
        driver.connected()
        #expect(Self.tags(&driver) == [.tag(.client, model: 0, active: nil)])
    }

    @Test func anOpaqueConnectionIsUnderTheDedicatedModel() {
        var driver = FlowDriver(QoSMemory(), .with { $0.bandwidth = 1 }, .capture, dedicated: "m")
        driver.give(.client, [0x16, 0x03, 0x01, 0x02, 0x00])
        driver.connected()
        #expect(
            Self.tags(&driver) == [
                .tag(.client, model: Self.slot, active: true), .tag(.upstream, model: Self.slot, active: true),
            ])
    }

    @Test func withoutAPageNothingIsSaid() {
        var driver = FlowDriver()
        driver.client(Text.post())
        driver.connected()
        driver.upstream(Text.answer)
        #expect(Self.tags(&driver).isEmpty)
    }
}
