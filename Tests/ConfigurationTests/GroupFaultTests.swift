import Catalog
import Configuration
import Testing

/// What bad groups, queues, limits of concurrency and activations are told.
@Suite struct GroupFaultTests {
    private static let mapping =
        "groups: must be a mapping of names of groups, each with priority, weight, reclaimable, delivery or queue"

    @Test(arguments: [
        (
            "[]",
            "groups: must be a mapping of names of groups, each with priority, weight, reclaimable, delivery or queue; it is a list"
        ),
        ("gold", mapping),
        ("{g: x}", "groups.g: must be a mapping of keys and values: priority, weight, reclaimable, delivery, queue"),
        ("{a b: {}}", "groups.\"a b\": \"a b\" is not a name: 1 to 63 letters, digits, dots, underscores or hyphens"),
        ("{g: {wieght: 1}}", "groups.g.wieght: is not a known key; did you mean weight?"),
        ("{g: {weight: 0}}", "groups.g.weight: \"0\" is not a whole number from 1 to 1000000"),
        ("{g: {weight: 1000001}}", "groups.g.weight: \"1000001\" is not a whole number from 1 to 1000000"),
        ("{g: {weight: -1}}", "groups.g.weight: \"-1\" is not a whole number from 1 to 1000000"),
        ("{g: {priority: 1001}}", "groups.g.priority: \"1001\" is not a whole number from -1000 to 1000"),
        ("{g: {priority: -1001}}", "groups.g.priority: \"-1001\" is not a whole number from -1000 to 1000"),
        ("{g: {priority: --1}}", "groups.g.priority: \"--1\" is not a whole number from -1000 to 1000"),
        ("{g: {priority: high}}", "groups.g.priority: \"high\" is not a whole number from -1000 to 1000"),
        (
            "{g: {priority: 1, delivery: batch}}",
            "groups.g.priority: has no meaning with delivery batch, which comes behind every priority; leave it out"
        ),
        ("{g: {reclaimable: no}}", "groups.g.reclaimable: \"no\" is not true or false"),
        ("{g: {delivery: later}}", "groups.g.delivery: \"later\" is not interactive or batch"),
        (
            "{g: {queue: off}}",
            "groups.g.queue: must be a mapping of keys and values: length, bytes, wait, ageing, order, comments"
        ),
        ("{g: {queue: {length: -1}}}", "groups.g.queue.length: \"-1\" is not a whole number from 0 to 1000000"),
        ("{g: {queue: {bytes: 0}}}", "groups.g.queue.bytes: \"0\" is not from 1KiB to 64GiB"),
        ("{g: {queue: {wait: 0s}}}", "groups.g.queue.wait: \"0s\" is not from 10ms to 1h"),
        ("{g: {queue: {wait: 30}}}", "groups.g.queue.wait: \"30\" is not a duration; durations are 500ms, 10s, 5m or 1h"),
        ("{g: {queue: {ageing: 2h}}}", "groups.g.queue.ageing: \"2h\" is not from 10ms to 1h"),
        ("{g: {queue: {order: lifo}}}", "groups.g.queue.order: \"lifo\" is not fifo or lifo-under-overload"),
        ("{g: {queue: {comments: 0s}}}", "groups.g.queue.comments: \"0s\" is not from 100ms to 10m, nor off"),
        (
            "{g: {queue: {max: 1}}}",
            "groups.g.queue.max: is not a known key; accepted here: length, bytes, wait, ageing, order, comments"
        ),
    ])
    func groups(yaml: String, expected: String) {
        #expect(faults("groups: \(yaml)\n") == ["line 1: \(expected)"])
    }

    @Test func groupsOfClients() {
        let found = faults(
            """
            groups: {gold: {weight: 0}, silver: {}}
            clients:
              a: {group: glod}
              b: {group: gold}
              c: {group: bronze}
              d: {group: }
            """)
        #expect(
            found == [
                "line 1: groups.gold.weight: \"0\" is not a whole number from 1 to 1000000",
                "line 3: clients.a.group: \"glod\" is not under groups; did you mean gold?",
                "line 5: clients.c.group: \"bronze\" is not under groups", "line 6: clients.d.group: has no value",
            ])
        #expect(faults("clients: {a: {group: gold}}") == ["line 1: clients.a.group: \"gold\" is not under groups"])
        #expect(faults("groups: {g: {}, g: {}}") == ["line 1: groups.g: is given twice; the first is on line 1"])
        let many = (0...256).map { "g\($0): {}" }.joined(separator: ", ")
        #expect(faults("groups: {\(many)}") == ["line 1: groups: has 257 groups; at most 256 are possible"])
    }

    @Test(arguments: [
        ("maxInFlight: 0", "maxInFlight: \"0\" is not a whole number from 1 to 1000000"),
        ("maxInFlight: ", "maxInFlight: has no value"),
        ("maxInFlight: {adaptive: true}", "maxInFlight: must be a single value, not a list or mapping"),
        ("queue: 5", "queue: must be a mapping of keys and values: length, bytes, wait, ageing, order, comments"),
        ("queue: {wait: 0s}", "queue.wait: \"0s\" is not from 10ms to 1h"),
    ])
    func models(yaml: String, expected: String) {
        #expect(faults("models:\n  m:\n    endpoints: [\"http://h\"]\n    \(yaml)\n") == ["line 4: models.m.\(expected)"])
    }

    private static let limit = "write a number, or {adaptive: true, min: 1, max: 256}"
    private static let methods = "write exec: [PROGRAM, …], http: {start: URL, stop: URL} or unit: NAME.service"

    @Test(arguments: [
        ("maxInFlight: 0", "maxInFlight: \"0\" is not a whole number from 1 to 1000000"),
        ("maxInFlight: 1000001", "maxInFlight: \"1000001\" is not a whole number from 1 to 1000000"),
        ("maxInFlight: adaptive", "maxInFlight: \"adaptive\" is not a number; \(limit)"),
        ("maxInFlight: ", "maxInFlight: is neither a number nor a mapping; \(limit)"),
        ("maxInFlight: [1]", "maxInFlight: is neither a number nor a mapping; \(limit)"),
        ("maxInFlight: {max: 3}", "maxInFlight: has no adaptive; \(limit)"),
        (
            "maxInFlight: {adaptive: false}",
            "maxInFlight.adaptive: leaves nothing to find; for a limit that stays write a number"
        ),
        ("maxInFlight: {adaptive: true, min: 0}", "maxInFlight.min: \"0\" is not a whole number from 1 to 1000000"),
        ("maxInFlight: {adaptive: true, min: 9, max: 8}", "maxInFlight.min: \"9\" is more than max, 8"),
        (
            "maxInFlight: {adaptive: true, initial: 257}",
            "maxInFlight.initial: \"257\" is not between min and max, 1 and 256"
        ),
        (
            "maxInFlight: {adaptive: true, min: 4, initial: 3}",
            "maxInFlight.initial: \"3\" is not between min and max, 4 and 256"
        ),
        (
            "maxInFlight: {adaptive: true, maximum: 3}",
            "maxInFlight.maximum: is not a known key; accepted here: adaptive, min, max, initial"
        ),
        ("metrics: on", "metrics: \"on\" is not true or false"),
        ("metrics: [x]", "metrics: must be a mapping of keys and values: path, period, staleAfter; it is a list"),
        ("metrics: {path: metrics}", "metrics.path: \"metrics\" is not a path; write one that begins with /, as /metrics"),
        ("metrics: {period: 1ms}", "metrics.period: \"1ms\" is not from 100ms to 1h"),
        ("metrics: {period: 2s, staleAfter: 1s}", "metrics.staleAfter: \"1s\" is shorter than period (2000ms)"),
        ("activate: true", "activate: is no mapping that says how to start it; \(methods)"),
        ("activate: {}", "activate: does not say how to start it; \(methods)"),
        ("activate: {idleAfter: 1m}", "activate: does not say how to start it; \(methods)"),
        ("activate: {exec: [/x], unit: a.service}", "activate: says exec and unit; one is possible; \(methods)"),
        ("activate: {exec: /x}", "activate.exec: must be a list"),
        ("activate: {exec: []}", "activate.exec: names no program; write [/usr/bin/vllm, serve, …]"),
        ("activate: {exec: [vllm, serve]}", "activate.exec[0]: \"vllm\" is not an absolute path"),
        ("activate: {exec: [/x/]}", "activate.exec[0]: \"/x/\" is not the path of a program"),
        ("activate: {exec: [/x, ~]}", "activate.exec[1]: has no value"),
        ("activate: {exec: [/x], user: \"a b\"}", "activate.user: \"a b\" is not the name of a user"),
        ("activate: {exec: [/x], directory: srv}", "activate.directory: \"srv\" is not an absolute path"),
        (
            "activate: {exec: [/x], env: [A]}",
            "activate.env: must be a mapping of variables, as {CUDA_VISIBLE_DEVICES: 0}; it is a list"
        ),
        (
            "activate: {exec: [/x], env: {A-B: 1}}",
            "activate.env.A-B: \"A-B\" is not the name of a variable: letters, digits and underscores"
        ),
        (
            "activate: {exec: [/x], env: {1A: 1}}",
            "activate.env.1A: \"1A\" is not the name of a variable: letters, digits and underscores"
        ),
        ("activate: {exec: [/x], env: {A: }}", "activate.env.A: has no value"),
        ("activate: {exec: [/x], readyTimeout: 0s}", "activate.readyTimeout: \"0s\" is not from 100ms to 24h"),
        ("activate: {exec: [/x], idleAfter: 0s}", "activate.idleAfter: \"0s\" is not from 100ms to 168h"),
        ("activate: {exec: [/x], stopTimeout: 2h}", "activate.stopTimeout: \"2h\" is not from 100ms to 1h"),
        (
            "activate: {exec: [/x], oneOf: \"\"}",
            "activate.oneOf: \"\" is not a name: 1 to 63 letters, digits, dots, underscores or hyphens"
        ),
        (
            "activate: {exec: [/x], restart: true}",
            "activate.restart: is not a known key; accepted here: "
                + "exec, http, unit, user, env, directory, readyTimeout, idleAfter, stopTimeout, oneOf"
        ),
        ("activate: {unit: vllm}", "activate.unit: \"vllm\" is not a unit of systemd, as vllm@llama.service"),
        ("activate: {unit: \"a b.service\"}", "activate.unit: \"a b.service\" is not a unit of systemd, as vllm@llama.service"),
        ("activate: {unit: --now.service}", "activate.unit: \"--now.service\" is not a unit of systemd, as vllm@llama.service"),
        ("activate: {unit: .service}", "activate.unit: \".service\" is not a unit of systemd, as vllm@llama.service"),
        ("activate: {unit: ../a.service}", "activate.unit: \"../a.service\" is not a unit of systemd, as vllm@llama.service"),
        ("activate: {unit: a.service, user: x}", "activate.user: is for a program that is started with exec; leave it out"),
        ("activate: {http: \"http://h\"}", "activate.http: must be a mapping of keys and values: start, stop"),
        ("activate: {http: {stop: \"http://h\"}}", "activate.http: has no start; write {start: URL, stop: URL}"),
        ("activate: {http: }", "activate.http: has no start; write {start: URL, stop: URL}"),
        (
            "activate: {http: {start: \"http://h\"}, idleAfter: 1m}",
            "activate.idleAfter: needs http.stop, without which nothing stops the server"
        ),
        (
            "activate: {http: {start: \"http://h\"}, oneOf: a}",
            "activate.oneOf: needs http.stop, without which nothing stops the server"
        ),
    ])
    func endpoints(yaml: String, expected: String) {
        let text = "models:\n  m:\n    endpoints:\n    - {url: \"http://127.0.0.1:1\", \(yaml)}\n"
        #expect(faults(text) == ["line 4: models.m.endpoints[0].\(expected)"])
    }

    @Test func everyFaultOfAnActivationIsNamed() {
        let found = faults(
            """
            models:
              m:
                endpoints:
                - url: "http://engine.example:80"
                  activate:
                    exec: [vllm]
                    idleAfter: never
                    oneOf: a b
            """)
        #expect(
            found == [
                "line 6: models.m.endpoints[0].activate.exec[0]: \"vllm\" is not an absolute path",
                "line 7: models.m.endpoints[0].activate.idleAfter: \"never\" is not a duration; durations are 500ms, 10s, 5m or 1h",
                "line 8: models.m.endpoints[0].activate.oneOf: \"a b\" is not a name: 1 to 63 letters, digits, dots, underscores or hyphens",
            ])
    }

    @Test(arguments: ["http://engine.example:80", "http://localhost:8000"])
    func whatIsStartedHasAnAddress(url: String) {
        #expect(
            faults("models: {m: {endpoints: [{url: \"\(url)\", activate: {exec: [/x]}}]}}") == [
                "line 1: models.m.endpoints[0].activate: needs a literal address in the URL, as http://127.0.0.1:8000: "
                    + "what is started is one server"
            ])
    }

    @Test func metricsOfHTTPS() {
        #expect(
            faults("models: {m: {endpoints: [{url: \"https://h\", metrics: true}]}}") == [
                "line 1: models.m.endpoints[0].metrics: cannot be had from an https endpoint: the agent reads them over plain http only"
            ])
    }

    @Test func oneServerIsStartedInOneWay() {
        let found = faults(
            """
            models:
              a: {endpoints: [{url: "http://127.0.0.1:1", activate: {unit: a.service}}]}
              b: {endpoints: [{url: "http://127.0.0.1:1", activate: {unit: b.service}}]}
              c: {endpoints: [{url: "http://127.0.0.1:2", activate: {unit: a.service}}]}
            """)
        #expect(
            found == [
                "line 3: models.b.endpoints[0].activate: is not what the same server has, models.a.endpoints[0].activate on line 2; "
                    + "it may be given once",
                "line 4: models.c.endpoints[0].activate: has the unit of another server, models.a.endpoints[0].activate on line 2",
            ])
    }

    /// The kernel wakes nobody, also where another model says how the server is started.
    @Test func thePathDirectStartsNothing() {
        let found = faults(
            """
            capture: [{name: e, to: "10.0.0.1:80", path: direct, model: m}]
            models:
              m: {endpoints: ["http://127.0.0.1:1"]}
              n: {endpoints: [{url: "http://127.0.0.1:1", activate: {exec: [/x]}}]}
            """)
        #expect(
            found == [
                "line 1: capture[0].model: \"m\" has the endpoint http://127.0.0.1:1 with activate, and on path direct the kernel "
                    + "chooses: nobody would wait until it runs"
            ])
    }
}
