import Catalog
import Configuration
import Testing

/// What bad configurations are told.
@Suite struct FaultTests {
    @Test func everythingAtOnceInTheOrderOfLines() {
        let found = faults(
            """
            node:
              cgroup: kubepods
              workers: 300
              lisen: 127.0.0.1:1
            capture:
              - name: llm
                to: ["10.0.0.1/8:80", "10.0.0.0/8"]
                whenproxydown: refuse
              - to: "[::1]:80"
                path: direct
            models:
              m: {endpoints: ["ftp://h", {}], qos: {requests: 1}}
            clients: [a]
            groups: [a]
            """)
        let listForm = "CIDR:PORT or ADDRESS:PORT, as 10.0.0.0/8:8000, 10.1.2.3:80 or [fd00::/8]:*"
        #expect(
            found == [
                "line 2: node.cgroup: \"kubepods\" does not begin with /; write a path below the cgroup v2 mount, as / or /kubepods.slice",
                "line 3: node.workers: \"300\" is not a whole number from 0 to 256",
                "line 4: node.lisen: is not a known key; did you mean listen?",
                "line 7: capture[0].to[0]: \"10.0.0.1/8:80\" has host bits set; write 10.0.0.0/8:80",
                "line 7: capture[0].to[1]: \"10.0.0.0/8\" has no port; write \(listForm)",
                "line 8: capture[0].whenproxydown: is not a known key; did you mean whenProxyDown?",
                "line 9: capture[1]: has no name; every rule needs one",
                "line 9: capture[1]: has path direct and no model; write the name of the one that these destinations serve",
                "line 12: models.m.qos.requests: \"1\" is not \(QoSText.rateForm)",
                "line 12: models.m.endpoints[0]: \"ftp://h\" has a scheme other than http and https; "
                    + "write http://HOST:PORT or http://HOST:PORT/PREFIX",
                "line 12: models.m.endpoints[1]: has no url; write {url: \"http://HOST:PORT\"}",
                "line 13: clients: must be a mapping of client names, each with its workloads; it is a list",
                "line 14: groups: must be a mapping of names of groups, each with priority, weight, reclaimable, delivery or queue; "
                    + "it is a list",
            ])
    }

    @Test(arguments: [
        (
            "- a\n- b\n",
            "line 1: must be a mapping of keys and values: node, capture, models, pools, capabilities, anonymous, issuers, groups, clients, firewall, audit; it is a list"
        ),
        (
            "hello\n",
            "line 1: must be a mapping of keys and values: node, capture, models, pools, capabilities, anonymous, issuers, groups, clients, firewall, audit"
        ),
        (
            "zzz: 1\n",
            "line 1: zzz: is not a known key; accepted here: node, capture, models, pools, capabilities, anonymous, issuers, groups, clients, firewall, audit"
        ),
        ("node:\n\tcgroup: /\n", "line 2: a tab cannot indent YAML; use spaces"),
        ("node: {\n", "line 2: not YAML: while parsing a flow node, did not find expected node content (column 1)"),
        ("---\nnode:\n---\nnode:\n", "line 3: a second YAML document (---) is not allowed; a configuration is one document"),
        ("? [a]\n: 1\n", "line 1: a key must be plain text, not a list or mapping"),
        ("node: !!binary aGk=\n", "line 1: node: the YAML tag \"tag:yaml.org,2002:binary\" is not supported; leave it out"),
        ("node: !x {}\n", "line 1: node: the YAML tag \"!x\" is not supported; leave it out"),
        ("capture: {}\n", "line 1: capture: must be a list"),
        ("capture:\n-\n", "line 2: capture[0]: is empty; a rule needs name and to"),
        (
            "capture: [x]\n",
            "line 1: capture[0]: must be a mapping of keys and values: name, to, path, model, whenProxyDown, "
                + "unknown, opaque, onConflict"
        ),
        ("node: {admin: }\n", "line 1: node.admin: has no value"),
        ("node: {admin: [127.0.0.1:1]}\n", "line 1: node.admin: must be a single value, not a list or mapping"),
        (
            "node: \"\\x07\"\n",
            "line 1: node: must be a mapping of keys and values: cgroup, brokerCgroup, listen, podAddress, gateway, "
                + "admin, proxy, user, workers, timeouts, drain, maxBody, qdisc, kubernetes, remoteWrite, otlp, events"
        ),
        ("node: {user: \"a\\0b\"}\n", "line 1: node.user: \"a\\u{0}b\" holds a control character"),
    ])
    func shape(yaml: String, expected: String) {
        #expect(faults(yaml) == [expected])
    }

    @Test func aKeyGivenTwiceIsOneFaultAmongOthers() {
        let found = faults(
            """
            node:
              workers: 1
              "workers": 2
              workers: x
            models:
              a.b: {endpoints: [http://h]}
              a.b: {endpoints: [http://h]}
            node: {}
            clients: {'c': {}, c: {}}
            zzz: 1
            """)
        #expect(
            found == [
                "line 3: node.workers: is given twice; the first is on line 2",
                "line 4: node.workers: is given twice; the first is on line 2",
                "line 7: models.\"a.b\": is given twice; the first is on line 6",
                "line 8: node: is given twice; the first is on line 1",
                "line 9: clients.c: is given twice; the first is on line 9",
                "line 10: zzz: is not a known key; accepted here: node, capture, models, pools, capabilities, anonymous, issuers, groups, clients, firewall, audit",
            ])
    }

    @Test func everyKeyGivenTwiceIsNamed() {
        let keys = (0..<40).map { "  k\($0): {}\n  k\($0): {}\n" }.joined()
        #expect(
            faults("clients:\n" + keys)
                == (0..<40).map { "line \(2 * $0 + 3): clients.k\($0): is given twice; the first is on line \(2 * $0 + 2)" })
    }

    @Test(arguments: [
        ("10.0.0.0/8:0", "has no port from 1 to 65535 and no *"), ("10.0.0.0/8:65536", "has no port"),
        ("10.0.0.0/8:+80", "has no port"), ("10.0.0.0/8:080", "has no port"), ("10.0.0.0/8:8000-8010", "has no port"),
        ("10.0.0.0/33:80", "has no prefix length from 0 to 32"), ("10.0.0.0/:80", "has no prefix length"),
        ("10.0.0.0/8/8:80", "has no prefix length"), ("10.0.0.0/-1:80", "has no prefix length"),
        ("10.0.0/8:80", "has no literal IPv4 address"), ("example.com:80", "has no literal IPv4 address"),
        ("*:80", "has no literal IPv4 address"), (":80", "has no literal IPv4 address"),
        ("fd00::/8:80", "has an IPv6 address without brackets"), ("[fd00::/129]:80", "has no prefix length from 0 to 128"),
        ("[fd00::1/8]:80", "has host bits set; write [fd00::/8]:80"), ("[10.0.0.0/8]:80", "has no literal IPv6 address"),
        ("[fd00::/8]", "has no port"), ("[fd00::/8:80", "has a \"[\" without its \"]\""),
        ("[fe80::1%lo]:80", "has no literal IPv6"),
        ("[::ffff:10.0.0.0/104]:80", "write 10.0.0.0/8:80"), ("[::ffff:10.0.0.1]:*", "write 10.0.0.1/32:*"),
        ("10.1.2.255/24:*", "has host bits set; write 10.1.2.0/24:*"),
        ("255.255.255.255/0:1", "has host bits set; write 0.0.0.0/0:1"), ("", "has no port"),
    ])
    func destinations(text: String, expected: String) {
        let found = faults("capture:\n- name: r\n  to:\n  - \"\(text)\"\n")
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("line 4: capture[0].to[0]: \"\(text)\" ") == true)
        #expect(found.first?.contains(expected) == true, "\(found)")
    }

    @Test func namesAndDestinationsBelongToOneRule() {
        let found = faults(
            """
            capture:
              - {name: one, to: ["10.0.0.0/8:80", "10.0.0.0/8:81"]}
              - name: one
                to: "10.0.0.0/8:80"
              - {name: two, to: ["10.0.0.1/32:80", "10.0.0.1:80"]}
              - {name: "", to: []}
              - {name: 'a b', to: }
              - {name: three}
            """)
        let name = "is not a name: 1 to 63 letters, digits, dots, underscores or hyphens"
        #expect(
            found == [
                "line 3: capture[1].name: \"one\" is the name of another rule, capture[0].name on line 2",
                "line 4: capture[1].to: \"10.0.0.0/8:80\" of rule \"one\" is taken already by capture[0].to[0] on line 2, rule \"one\"",
                "line 5: capture[2].to[1]: \"10.0.0.1:80\" of rule \"two\" is taken already by capture[2].to[0] on line 5, rule \"two\"",
                "line 6: capture[3].name: \"\" \(name)", "line 6: capture[3].to: names no destination",
                "line 7: capture[4].name: \"a b\" \(name)", "line 7: capture[4].to: names no destination",
                "line 8: capture[5]: has no destinations; every rule needs to",
            ])
    }

    @Test(arguments: [
        ("h:80", "is not a URL"), ("", "is not a URL"), ("ftp://h", "has a scheme other than http"),
        ("http://", "has no host"), ("http://:80", "has no host"), ("http:///x", "has no host"), ("http://h:", "has no port"),
        ("http://h:0", "has no port"), ("http://h:65536", "has no port"), ("http://h:+1", "has no port"),
        ("http://u:p@h/", "has user information"), ("http://h?x", "has a query"), ("http://h/a?", "has a query"),
        ("http://h/#a", "has a fragment"), ("http://h/a b", "has a character that no URL has"),
        ("http://h\\\\x", "has a character that no URL has"), ("http://é", "has a character that no URL has"),
        ("http://h/a//b", "has an empty, . or .. segment"), ("http://h/../b", "has an empty, . or .. segment"),
        ("http://h/%zz", "must be %-encoded"), ("http://h/a%2", "must be %-encoded"), ("http://h/<x>", "must be %-encoded"),
        ("http://::1:80", "has an IPv6 address without brackets"), ("http://[::1", "has a \"[\" without its \"]\""),
        ("http://[::1]x", "has text after its \"]\""), ("http://[10.0.0.1]:80", "has no IPv6 address in its brackets"),
        ("http://[h]:80", "has no IPv6 address in its brackets"), ("http://[fe80::1%25lo]", "has no IPv6 address"),
        ("http://10.1.2", "looks like an address"), ("http://1.2.3.256", "looks like an address"),
        ("http://0x7f000001", "looks like an address"), ("http://-h", "neither an address nor a name"),
        ("http://a..b", "neither an address nor a name"), ("http://a,b", "neither an address nor a name"),
        ("http://0.0.0.0:80", "nobody can be reached at"), ("http://[ff02::1]", "nobody can be reached at"),
    ])
    func endpoints(url: String, expected: String) {
        let found = faults("models:\n  m:\n    endpoints:\n    - url: \"\(url)\"\n")
        #expect(found.count == 1 && found.first?.hasPrefix("line 4: models.m.endpoints[0].url: ") == true, "\(found)")
        #expect(found.first?.contains(expected) == true, "\(found)")
    }

    @Test func modelsAndClients() {
        let long = String(repeating: "x", count: 257)
        let found = faults(
            """
            models:
              none:
              empty: {endpoints: []}
              scalar: {endpoints: http://h}
              twice: {endpoints: [http://h:80, "http://H/"]}
              "a\\nb": {endpoints: [http://h]}
              \(long): {endpoints: [http://h]}
              "${env:X}": {endpoints: [http://h]}
              text: http://h
            clients:
              a b: {}
              one: {workloads: [/x, x, /a**, /a//b]}
              two: {workloads: /x, group: [k]}
            """, environment: ["X": "secret"])
        let shown = String(repeating: "x", count: 80) + "…"
        #expect(
            found == [
                "line 2: models.none: has no endpoints; write {endpoints: [{url: \"http://HOST:PORT\"}]}",
                "line 3: models.empty.endpoints: names no endpoint", "line 4: models.scalar.endpoints: must be a list",
                "line 5: models.twice.endpoints[1]: \"http://H/\" is an endpoint already, models.twice.endpoints[0] on line 5",
                "line 6: models.\"a\\u{a}b\": \"a\\u{a}b\" is not a model name: it has a control character",
                "line 7: models.\(shown): \"\(shown)\" is not a model name: 1 to 256 bytes",
                "line 8: models.\"${env:X}\": \"${env:X}\" has a reference; references are resolved in values, not in names",
                "line 9: models.text: must be a mapping of keys and values: endpoints, access, qos, limits, quotas, price, "
                    + "contextLength, streamUsage, engine, capabilities, strategy, retry, breaker, health, fallback, forwardCredentials, "
                    + "maxInFlight, queue",
                "line 11: clients.\"a b\": \"a b\" is not a name: 1 to 63 letters, digits, dots, underscores or hyphens",
                "line 12: clients.one.workloads[1]: \"x\" does not begin with /; write a path below the cgroup v2 mount, "
                    + "as /kubepods.slice/**/checkout*",
                "line 12: clients.one.workloads[2]: \"/a**\" has ** beside other characters; ** stands alone between slashes, "
                    + "* matches within a component",
                "line 12: clients.one.workloads[3]: \"/a//b\" has an empty component: two slashes in a row, or one at the end",
                "line 13: clients.two.workloads: \"/x\" is a workload already, clients.one.workloads[0] on line 12: "
                    + "a workload belongs to one client",
                "line 13: clients.two.group: must be a single value, not a list or mapping",
            ])
    }
}
