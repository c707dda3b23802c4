import Catalog
import Configuration
import Testing

/// What is refused whoever asks, and what is written down of it all.
@Suite struct FirewallAndAuditTests {
    @Test func firewallRules() throws {
        let parsed = try catalog(
            """
            clients: {checkout: {}}
            firewall:
              - {name: no-files, path: "^/v1/files", method: "^(POST|DELETE)$"}
              - {name: small, bodyAbove: 4MiB, clients: [checkout], model: "^gpt-"}
            """)
        #expect(
            parsed.firewall == [
                FirewallRule(name: "no-files", method: "^(POST|DELETE)$", path: "^/v1/files"),
                FirewallRule(name: "small", model: "^gpt-", bodyAbove: 4 << 20, clients: ["checkout"]),
            ])
    }

    @Test func firewallFaults() {
        let found = faults(
            """
            clients: {checkout: {}}
            firewall:
              - {name: a}
              - {path: "("}
              - {name: a, path: "(x)\\\\1", bodyAbove: 2GiB, clients: [chekout]}
              - {name: b, method: , clients: []}
              -
              - {name: c, pth: x}
            """)
        let conditions = "method, path, model, bodyAbove, clients"
        #expect(
            Array(found.prefix(2)) == [
                "line 3: firewall[0]: would refuse every request; give it one or more of \(conditions)",
                "line 4: firewall[1]: has no name; refusals tell it to the caller",
            ])
        #expect(found.count > 3 && found[2].hasPrefix("line 4: firewall[1].path: \"(\" "))
        #expect(
            Array(found.dropFirst(3)) == [
                "line 5: firewall[2].name: \"a\" is the name of another rule, firewall[0].name on line 3",
                "line 5: firewall[2].path: \"(x)\\1\" has a back-reference; matching it could take for ever",
                "line 5: firewall[2].bodyAbove: \"2GiB\" is not from 0 to 1GiB",
                "line 5: firewall[2].clients[0]: \"chekout\" is not under clients; did you mean checkout?",
                "line 6: firewall[3].method: has no value",
                "line 6: firewall[3].clients: names no client; leave it out for every caller",
                "line 7: firewall[4]: is empty; a rule needs name and what it refuses",
                "line 8: firewall[5].pth: is not a known key; did you mean path?",
                "line 8: firewall[5]: would refuse every request; give it one or more of \(conditions)",
            ])
    }

    @Test(
        arguments: [
            ("file: /v/a.jsonl", Audit(sink: .file("/v/a.jsonl", size: 100 << 20, keep: 5))),
            (
                "level: summary, file: {path: /v/a, size: 1MiB, keep: 0}, stdout: false",
                Audit(level: .summary, sink: .file("/v/a", size: 1 << 20, keep: 0))
            ),
            ("level: full, stdout: true, maxBody: 1KiB", Audit(level: .full, sink: .standardOutput, bodyLimit: 1_024)),
            (
                "webhook: {url: \"https://c.example/x?y=1\", authorization: \"${env:A}\"}",
                Audit(sink: .webhook("https://c.example/x?y=1", authorization: Secret("Bearer t"), caFile: nil))
            ),
            (
                "webhook: {url: \"http://c.example/x\"}",
                Audit(sink: .webhook("http://c.example/x", authorization: nil, caFile: nil))
            ),
            (
                "webhook: {url: \"http://[::1]:1/x\", authorization: \"${env:A}\"}",
                Audit(sink: .webhook("http://[::1]:1/x", authorization: Secret("Bearer t"), caFile: nil))
            ),
        ] as [(String, Audit)])
    func auditSinks(yaml: String, expected: Audit) throws {
        #expect(try catalog("audit: {\(yaml)}", environment: ["A": "Bearer t\n"]).audit == expected)
    }

    @Test func noAudit() throws {
        #expect(try catalog("audit:\n").audit == nil)
        #expect(try catalog("{}").audit == nil)
    }

    @Test(
        arguments: [
            ("audit: {}", ["audit: needs exactly one of file, stdout and webhook; "]),
            ("audit: {stdout: false}", ["audit: needs exactly one of file, stdout and webhook; "]),
            ("audit: {stdout: true, file: /x}", ["audit: needs exactly one of file, stdout and webhook; "]),
            ("audit: on", ["audit: must be a mapping of keys and values: level, file, stdout, webhook, maxBody"]),
            ("audit: {file: x}", ["audit.file: \"x\" is not an absolute path"]),
            (
                "audit: {file: {size: 1KiB, keep: 1001}}",
                [
                    "audit.file: has no path; ", "audit.file.size: \"1KiB\" is not from 64KiB to 1024GiB",
                    "audit.file.keep: \"1001\" is not a whole number from 0 to 1000",
                ]
            ),
            (
                "audit: {level: debug, stdout: maybe, maxBody: 2MiB}",
                [
                    "audit.stdout: \"maybe\" is not true or false", "audit.level: \"debug\" is not metadata or summary or full",
                    "audit.maxBody: \"2MiB\" is not from 0 to 1MiB",
                ]
            ),
            (
                "audit: {webhook: {url: \"http://c.example\", authorization: \"${env:A}\"}}",
                [
                    "audit.webhook.url: \"http://c.example\" is not https, and authorization would go there for all to read"
                ]
            ),
            (
                "audit: {webhook: {authorization: hunter2, ca: x}}",
                [
                    "audit.webhook: has no url; ", "audit.webhook.authorization: must be one reference, ",
                    "audit.webhook.ca: \"x\" is not an absolute path",
                ]
            ),
            (
                "audit: {webhook: {url: \"https://c\", authorization: \"${env:B}\"}}",
                [
                    "audit.webhook.authorization: \"${env:B}\" stands for a text with characters beyond ASCII or blanks at an end, "
                ]
            ),
        ] as [(String, [String])])
    func auditFaults(yaml: String, expected: [String]) {
        let found = faults(yaml, environment: ["A": "Bearer hunter2", "B": " hunter2"])
        #expect(found.count == expected.count, "\(found)")
        for (fault, beginning) in zip(found, expected) { #expect(fault.hasPrefix("line 1: " + beginning), "\(fault)") }
        #expect(!found.contains { $0.contains("hunter2") })
    }
}
