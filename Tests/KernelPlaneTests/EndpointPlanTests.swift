import CBPFShim
import Catalog
import Testing

@testable import KernelPlane

@Suite struct EndpointPlanTests {
    private func endpoint(_ port: UInt16, weight: UInt16 = 1, usable: Bool = true) -> DirectEndpoint {
        DirectEndpoint(address: address(port), weight: weight, usable: usable)
    }

    private func address(_ port: UInt16) -> SocketAddress {
        SocketAddress(ip: IPAddress(v4: 10, 0, 0, 1), port: port)
    }

    private func key(_ model: UInt32, _ port: UInt16) -> EndpointPlan.Key { .init(model: model, address: address(port)) }

    @Test func whatStaysKeepsItsSlot() {
        let held = [key(1, 80): UInt32(7), key(1, 81): 8, key(2, 80): 9]
        // Weight and health have changed, and so has the order.
        let plan = EndpointPlan(
            [1: [endpoint(82), endpoint(81, weight: 5), endpoint(80, usable: false)], 2: [endpoint(80)]], held: held)
        #expect(plan.slots == held)
        #expect(plan.waiting == [key(1, 82)])
        #expect(plan.given([3])[key(1, 82)] == 3)
        #expect(plan.given([3]).count == 4)
    }

    @Test func theSameAddressOfAnotherModelIsAnotherEndpoint() {
        let plan = EndpointPlan([1: [endpoint(80)], 3: [endpoint(80)]], held: [key(1, 80): 4])
        #expect(plan.slots == [key(1, 80): 4])
        #expect(plan.waiting == [key(3, 80)])
    }

    @Test func whatWentHasNoSlot() {
        let plan = EndpointPlan([2: []], held: [key(1, 80): 4, key(2, 80): 5])
        #expect(plan.slots.isEmpty && plan.waiting.isEmpty)
    }

    @Test func setsSurviveTheirLayout() {
        let six = DirectEndpoint(
            address: SocketAddress(ip: IPAddress(family: .v6, high: 0x2001_0db8_0000_0000, low: 9), port: 0x1234), weight: 65535,
            usable: false)
        let all = [endpoint(80, weight: 3), six]
        let set = mb_endpoint_set(all.enumerated().map { mb_endpoint($1, state: UInt32($0 + 5)) })
        #expect(set.members.compactMap(\.endpoint) == all)
        #expect(set.members.map(\.state) == [5, 6])
        #expect(mb_endpoint_set([]).members.isEmpty)
    }
}
