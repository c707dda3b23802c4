import Catalog
import Configuration
import Testing

/// Files that somebody made to hurt the reader. Each is refused, and soon.
@Suite(.timeLimit(.minutes(2))) struct HostileTests {
    private func faults(utf8 bytes: [UInt8]) -> [String] {
        do {
            _ = try Configuration.parse(utf8: bytes)
            Issue.record("accepted")
            return []
        } catch {
            return error.faults.map(\.description)
        }
    }

    @Test func bytesThatAreNotText() {
        #expect(faults(utf8: [0x61, 0x0A, 0xFF]) == ["line 2: the file is not UTF-8 text"])
        #expect(
            faults(utf8: Array("node: \u{0}".utf8)) == ["line 1: the control character U+0000 is not allowed in a configuration"])
        #expect(
            faults(utf8: Array("\n\nnode: \u{1B}[2J".utf8)) == [
                "line 3: the control character U+001B is not allowed in a configuration"
            ])
        #expect(faults(utf8: [0xFF, 0xFE, 0x6E, 0x00]) == ["line 1: the file is not UTF-8 text"])
        #expect(faults(utf8: [UInt8](repeating: 0x0A, count: 4 << 20 | 1)) == ["the file is larger than 4 MiB"])
        #expect(faults(utf8: Array("node: \u{FFFE}".utf8)).count == 1)
    }

    @Test func anchorsAreRefused() {
        let message = "YAML anchors and aliases (&name, *name) are not supported; write every value out"
        #expect(faultLines("node: &a {workers: 1}\n") == ["line 1: node: \(message)"])
        #expect(
            faultLines("clients:\n  a: &x {}\n  b: *x\n") == ["line 2: clients.a: \(message)", "line 3: clients.b: \(message)"])
        #expect(faultLines("node: *none\n") == ["line 1: node: \(message)"])
        #expect(faultLines("&k node: {}\n") == ["line 1: \(message)"])
        #expect(faultLines("&r node:\n  cgroup: &c /\n").count == 1)
        #expect(faultLines("node: &a [*a]\n") == ["line 1: node: \(message)"])
    }

    @Test func aliasesCannotExpand() {
        let message = "YAML anchors and aliases (&name, *name) are not supported; write every value out"
        var bomb = "a0: &a0 [x, x]\n"
        for level in 1...40 { bomb += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
        #expect(faultLines(bomb).count(where: { $0.hasSuffix(message) }) == 41)
        // The same as a key, hidden from a careless search.
        for opening in ["# x\u{85}", "\"x\n# \" : 1\n", "b: y\n  \"z\nc: "] {
            var hidden = ""
            for level in 1...40 { hidden += "a\(level): &a\(level) [*a\(level - 1),*a\(level - 1)]\n" }
            #expect(!faultLines(opening + "&a0 [x]\n" + hidden + "? *a40\n: 1\n").isEmpty)
        }
        let inQuotes = "{\"x\n# \": 1, \"a\": &a [1,1], " + (0..<40).map { _ in "? *a : 1, " }.joined() + "}"
        #expect(!faultLines(inQuotes).isEmpty)
        let asKeys = "{\"node\": &a [1,1], " + (0..<40).map { _ in "? *a : 1, " }.joined() + "}"
        #expect(faultLines(asKeys) == ["line 1: node: \(message)"] + (0..<40).map { _ in "line 1: \(message)" })
    }

    @Test func whatOnlyLooksLikeAnchorsIsAccepted() throws {
        let patterns = (0..<100).map { "\"/a\($0)/*b/**/*-c&d/*\"" }.joined(separator: ", ")
        let rules = (0..<100).map { "- {name: r\($0), to: 10.0.0.\($0):*}\n" }.joined()
        let comments = String(repeating: "  # *note* &this\n", count: 100)
        let parsed = try catalog("\(comments)clients: {a: {workloads: [\(patterns)]}}\ncapture:\n" + rules)
        #expect(parsed.rules.count == 100)
        #expect(parsed.clients.first?.workloads.count == 100)
    }

    @Test func nestingIsBounded() {
        for text in ["[", "{a: ", "- ", "? ", "{? "] {
            #expect(!faultLines(String(repeating: text, count: 100_000)).isEmpty)
        }
        let deep = "node: " + String(repeating: "[", count: 500) + String(repeating: "]", count: 500)
        #expect(faultLines(deep).contains { $0.contains("is nested deeper than 16 levels") })
        let steep = "node:\n" + (1...200).map { String(repeating: " ", count: $0) + "a:\n" }.joined()
        #expect(faultLines(steep).contains { $0.contains("is nested deeper than 16 levels") })
    }

    @Test func faultsAreCountedNotHoarded() throws {
        let yaml = "capture:\n" + String(repeating: "- {}\n", count: 16_000)
        do {
            _ = try Configuration.parse(yaml)
            Issue.record("accepted")
        } catch {
            #expect(error.faults.count == 1_000)
            #expect(error.omitted == 31_000)
            #expect(error.description.hasSuffix("\nand 31000 more"))
        }
    }

    @Test func countsAreBounded() {
        let rules = "capture:\n" + String(repeating: "- {}\n", count: 16_385)
        #expect(faultLines(rules) == ["line 1: capture: has 16385 rules; at most 16384 are possible"])
        let gateways = "node: {gateway: [" + (1...65).map { "127.0.0.1:\($0)" }.joined(separator: ", ") + "]}"
        #expect(faultLines(gateways) == ["line 1: node.gateway: has 65 addresses; at most 64 are possible"])
        let destinations = (0...65_536).map { "10.\($0 >> 16).\($0 >> 8 & 255).\($0 & 255):1" }.joined(separator: ",")
        #expect(
            faultLines("capture: [{name: a, to: [\(destinations)]}]") == [
                "line 1: capture: has 65537 IPv4 destinations; at most 65536 are possible"
            ])
        let models = "models:\n" + (0...100_000).map { " m\($0): {}\n" }.joined()
        #expect(faultLines(models) == ["line 1: models: has 100001 models; at most 100000 are possible"])
    }

    @Test func aMessageCannotGarbleATerminal() {
        let found = faultLines("node: {user: \"\\e[31m\\u202e\", \"\\e[2J\": 1}\nclients: {\"a\\nline 9: b\": {}}")
        #expect(found.count == 3)
        for fault in found { #expect(fault.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "\u{202E}" }) }
        let long = faultLines("node: {user: \(String(repeating: "x", count: 100_000))}")
        #expect(long.count == 1 && (long.first?.utf8.count ?? 0) < 300)
    }

    @Test func everyCutOfAFileIsReadOrRefused() throws {
        let yaml = """
            node: {listen: ["127.0.0.1:15001", '[::1]:1'], timeouts: {head: 1s}, maxBody: 1MiB}
            capture:
              - name: a # comment
                to: ["10.0.0.0/8:80", "[fd00::/8]:*"]
            models: {"m\\u00e9": {endpoints: [{url: "http://h:1/p"}]}}
            clients: {c: {workloads: /a/**}}
            """
        _ = try catalog(yaml)
        let bytes = Array(yaml.utf8)
        for count in 0...bytes.count { _ = try? Configuration.parse(utf8: bytes[..<count]) }
        for index in bytes.indices {
            for byte in "\n\t\"'[]{}:,-#&*!|>%@`?\\ x\u{0}".utf8 {
                var changed = bytes
                changed[index] = byte
                _ = try? Configuration.parse(utf8: changed)
            }
        }
    }

    private func faultLines(_ yaml: String) -> [String] { faults(utf8: Array(yaml.utf8)) }
}
