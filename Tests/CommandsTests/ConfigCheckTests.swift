import Catalog
import Commands
import Configuration
import Control
import ControlCoding
import Testing

@Suite struct ConfigCheckTests {
    private func exitStatus(_ yaml: String?) throws -> Int32 {
        let directory = try Scratch.directory()
        defer { Scratch.remove(directory) }
        if let yaml { try Scratch.write(yaml, to: directory + "/file") }
        return ModelBroker.run(["config", "check", directory + "/file"])
    }

    @Test func exitsWithZeroOnlyForAValidFile() throws {
        #expect(try exitStatus("capture:\n  - {name: llm, to: [\"127.64.0.0/16:8000\"], path: proxy}\n") == 0)
        #expect(try exitStatus("capture:\n  - {name: llm, to: [\"nonsense\"], pathh: proxy}\n") == 1)
        #expect(try exitStatus(nil) == 1)
    }

    @Test func namesEveryFaultWithItsPlace() throws {
        let verdict = ConfigurationVerdict(
            ConfigurationFaults(
                [
                    ConfigurationFault(line: 12, key: "capture[0].to[1]", message: "no port"),
                    ConfigurationFault(line: nil, key: "", message: "the file is empty"),
                ], omitted: 3))
        #expect(!verdict.valid && verdict.summary == "2 faults")
        #expect(
            verdict.lines(of: "mb.yaml") == ["the file is empty", "mb.yaml: line 12: capture[0].to[1]: no port", "and 3 more"])
        let json = String(decoding: try ControlLine.encode(verdict), as: UTF8.self)
        #expect(json.contains(#"{"key":"capture[0].to[1]","line":12,"message":"no port"}"#) && json.contains(#""omitted":3"#))
    }

    @Test func sumsUpAValidFile() {
        let endpoint = Endpoint(host: "h", port: 1, authority: "h:1")
        let catalog = Catalog(
            models: [Model(name: "m", endpoints: [endpoint, endpoint])],
            clients: [Client(name: "c", keys: [APIKey(id: "k", salt: [], digest: [])])],
            pools: [Pool(name: "p"), Pool(name: "q")])
        #expect(
            ConfigurationVerdict(catalog).summary
                == "valid: 0 rules, 1 model, 2 endpoints, 2 pools, 1 client, 1 key, 0 issuers, 0 groups")
    }
}
