import CBPFShim
import Catalog
import Testing

@testable import KernelPlane

@Suite struct SettingsCodingTests {
    private let settings = PlaneSettings(
        generation: 7, hostNetnsCookie: 99,
        targets: [SocketAddress("127.0.0.1:15001"), SocketAddress("[::1]:15002"), nil, SocketAddress("[fd00::5]:15003")])

    @Test func survivesTheRoundTrip() {
        #expect(mb_settings(settings).plane == settings)
    }

    @Test func carriesTheVersionAndNetworkOrder() {
        let raw = mb_settings(settings)
        #expect(raw.abi_version == UInt32(MB_ABI_VERSION))
        #expect(raw.targets.0.port_be == UInt16(15001).bigEndian)
        #expect(raw.targets.0.addr_be.0 == UInt32(0x7f00_0001).bigEndian)
        #expect(raw.targets.0.addr_be.1 == 0)
        #expect(raw.targets.2.configured == 0)
    }

    @Test func missingTargetsAreNotConfigured() {
        let raw = mb_settings(PlaneSettings(generation: 1, hostNetnsCookie: 1, targets: []))
        #expect(raw.plane.targets == [nil, nil, nil, nil])
    }

    @Test func targetsMustFitTheirSlots() {
        let wrong = PlaneSettings(generation: 1, hostNetnsCookie: 1, targets: [SocketAddress("[::1]:1")])
        #expect(throws: KernelPlaneError.self) { try wrong.check() }
        let noPort = PlaneSettings(generation: 1, hostNetnsCookie: 1, targets: [SocketAddress("127.0.0.1:0")])
        #expect(throws: KernelPlaneError.self) { try noPort.check() }
        #expect(throws: Never.self) { try settings.check() }
    }
}

@Suite struct OriginCodingTests {
    private func raw(_ change: (inout mb_origin) -> Void = { _ in }) -> mb_origin {
        var origin = mb_origin()
        origin.family = UInt32(MB_AF_INET)
        origin.addr.0 = 127
        origin.addr.1 = 64
        origin.addr.3 = 10
        origin.port_be = UInt16(8000).bigEndian
        origin.pid = 42
        withUnsafeMutableBytes(of: &origin.comm) { $0.copyBytes(from: Array("curl".utf8)) }
        change(&origin)
        return origin
    }

    @Test func decodes() {
        let origin = Origin(raw { $0.flags = UInt16(MB_ORIGIN_MAPPED) })
        #expect(origin?.dialled == SocketAddress("127.64.0.10:8000"))
        #expect(origin?.mapped == true)
        #expect(origin?.foreignNetns == false)
        #expect(origin?.pid == 42)
        #expect(origin?.command == "curl")
    }

    @Test func refusesUnknownFamilies() {
        #expect(Origin(raw { $0.family = 1 }) == nil)
    }

    @Test func namesWithoutAnEndOrWithEscapesAreHarmless() {
        let full = Origin(raw { withUnsafeMutableBytes(of: &$0.comm) { $0.copyBytes(from: Array("0123456789abcdef".utf8)) } })
        #expect(full?.command == "0123456789abcdef")
        let steering = Origin(raw { withUnsafeMutableBytes(of: &$0.comm) { $0.copyBytes(from: Array("a\u{1b}[31m\n".utf8)) } })
        #expect(steering?.command == "a?[31m?")
        let invalid = Origin(raw { withUnsafeMutableBytes(of: &$0.comm) { $0[0] = 0xff } })
        #expect(invalid?.command == "\u{fffd}url")
    }

    @Test func eventsMustBeWholeAndKnown() {
        var event = mb_event()
        event.kind = UInt32(MB_EVENT_REFUSED.rawValue)
        event.origin = raw()
        withUnsafeBytes(of: event) { bytes in
            #expect(KernelEvent(bytes)?.kind == .refused)
            #expect(KernelEvent(UnsafeRawBufferPointer(rebasing: bytes.dropLast())) == nil)
        }
        event.kind = 77
        withUnsafeBytes(of: event) { #expect(KernelEvent($0) == nil) }
    }
}

@Suite struct RuleCodingTests {
    @Test(arguments: ["10.0.0.0/8", "0.0.0.0/0", "127.64.0.10/32"])
    func v4KeysSurvive(text: String) throws {
        let destination = try destination(text, port: 8000)
        let key = mb_rule_key4(destination)
        #expect(key.destination == destination)
        #expect(key.prefixlen == UInt32(16 + destination.network.prefixLength))
        #expect(key.port_be == UInt16(8000).bigEndian)
    }

    @Test(arguments: ["::1/128", "fd00::/8", "::/0"])
    func v6KeysSurvive(text: String) throws {
        let destination = try destination(text, port: 0)
        #expect(mb_rule_key6(destination).destination == destination)
    }

    @Test func strangeKeysAreNoDestinations() {
        var key = mb_rule_key4()
        key.prefixlen = 15
        #expect(key.destination == nil)
        key.prefixlen = 49
        #expect(key.destination == nil)
    }

    @Test(arguments: CaptureRule.Path.allCases, CaptureRule.WhenProxyDown.allCases)
    func verdictsSurvive(path: CaptureRule.Path, whenDown: CaptureRule.WhenProxyDown) {
        let verdict = RuleVerdict(id: 3, path: path, whenDown: whenDown)
        #expect(mb_rule(verdict).verdict == verdict)
    }

    @Test func everyCounterHasAName() {
        #expect(CounterNames.all.count == Int(MB_COUNT_CONTENDED.rawValue) + 1)
        #expect(Set(CounterNames.all).count == CounterNames.all.count)
    }
}

/// `network/prefix` and a port as a destination.
func destination(_ text: String, port: UInt16) throws -> Destination {
    let parts = text.split(separator: "/")
    let address = try #require(IPAddress(String(parts[0])))
    let prefix = try #require(Int(parts[1]))
    let network = try #require(CIDR(address: address, prefixLength: prefix))
    return Destination(network: network, port: port)
}
