import Glibc
import Testing

@testable import Agent

@Suite struct ReadinessTests {
    private let ready = Readiness(attached: true, generation: 3, proxyConnected: true, proxyGeneration: 3)

    @Test func readyWhenEverythingIsThere() { #expect(ready.obstacle == nil) }

    @Test func namesWhatIsMissing() {
        var state = ready
        state.deadListeners = ["127.0.0.1:15001"]
        #expect(state.obstacle == "nobody listens at 127.0.0.1:15001")
        state.proxyGeneration = 2
        #expect(state.obstacle?.contains("configuration 2, the agent 3") == true)
        state.rejection = "address in use"
        #expect(state.obstacle?.contains("address in use") == true)
        state.proxyGeneration = nil
        state.rejection = nil
        #expect(state.obstacle == "the proxy has no configuration yet")
        state.proxyConnected = false
        #expect(state.obstacle == "the proxy is not connected")
        state.attached = false
        #expect(state.obstacle == "the BPF programs are not attached")
    }

    @Test func aMissingPinShows() throws {
        let scratch = try Scratch()
        #expect(!PinnedLinks(pinDirectory: scratch.path).areThere)
        mkdir(scratch["links"], 0o755)
        for name in ["connect4", "connect6"] { try scratch.write("", to: "links/" + name) }
        let links = PinnedLinks(pinDirectory: scratch.path)
        #expect(links.areThere)
        unlink(scratch["links/connect6"])
        #expect(!links.areThere)
    }

    @Test func aRefusedReloadIsNoObstacle() {
        var state = ready
        state.rejection = "address in use"
        #expect(state.obstacle == nil)
    }
}
