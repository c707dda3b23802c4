import Catalog
import Configuration
import Testing

/// Groups, queues, limits of concurrency, and engines on demand, as they are read.
@Suite struct GroupReadingTests {
    private func endpoint(_ keys: String) throws -> Endpoint {
        let yaml = "models: {m: {endpoints: [{url: \"http://127.0.0.1:9105\", \(keys)}]}}"
        return try #require(try catalog(yaml).models.first?.endpoints.first)
    }

    @Test func everyKeyOfAGroup() throws {
        let read = try catalog(
            """
            groups:
              gold:
                priority: 10
                weight: 3
                reclaimable: false
                queue: {length: 100, bytes: 1MiB, wait: 20s, ageing: 4s, order: lifo-under-overload, comments: 10s}
              night: {delivery: batch, weight: 1000000}
              low: {priority: -1000, delivery: interactive, queue: }
              plain:
            clients:
              checkout: {group: gold}
              others: {}
              named: {group: default}
            """)
        let queue = QueuePolicy(
            length: 100, bytes: 1 << 20, wait: 20_000, ageing: 4_000, order: .lifoUnderOverload, comments: 10_000)
        #expect(
            read.groups == [
                Group(name: "gold", priority: 10, weight: 3, isReclaimable: false, queue: queue),
                Group(name: "night", weight: 1_000_000, delivery: .batch), Group(name: "low", priority: -1_000),
                Group(name: "plain"),
            ])
        #expect(read.clients.map(\.group) == ["gold", "default", "default"])
        #expect(read.allGroups.map(\.name) == ["default", "gold", "night", "low", "plain"])
    }

    @Test func theDefaultGroupMayHaveValues() throws {
        let read = try catalog("groups: {a: {}, default: {weight: 7}}\nclients: {c: {group: default}}")
        #expect(read.allGroups == [Group(name: "default", weight: 7), Group(name: "a")])
        #expect(try catalog("groups:\n").allGroups == [Group(name: "default")])
        #expect(try catalog("clients: {c: {group: default}}").clients.map(\.group) == ["default"])
    }

    @Test func modelsHaveLimitsAndQueues() throws {
        let read = try catalog(
            """
            models:
              a: {maxInFlight: 64, queue: {length: 0, wait: 10ms, comments: off}, endpoints: ["http://h"]}
              b: {queue: , endpoints: ["http://h"]}
            """
        ).models
        #expect(read.map(\.maxInFlight) == [64, nil])
        #expect(read.map(\.queue) == [QueuePolicy(length: 0, wait: 10), QueuePolicy()])
    }

    @Test(
        arguments: [
            ("maxInFlight: 32", .fixed(32)), ("maxInFlight: 1", .fixed(1)),
            ("maxInFlight: {adaptive: true}", .adaptive(AdaptiveLimit(least: 1, most: 256, initial: 8))),
            (
                "maxInFlight: {adaptive: true, min: 2, max: 64, initial: 4}",
                .adaptive(AdaptiveLimit(least: 2, most: 64, initial: 4))
            ),
            // What is not given keeps within what is.
            ("maxInFlight: {adaptive: true, max: 4}", .adaptive(AdaptiveLimit(least: 1, most: 4, initial: 4))),
            ("maxInFlight: {adaptive: true, min: 300}", .adaptive(AdaptiveLimit(least: 300, most: 300, initial: 300))),
            ("maxInFlight: {adaptive: true, min: 16}", .adaptive(AdaptiveLimit(least: 16, most: 256, initial: 16))),
        ] as [(String, Concurrency)])
    func limits(yaml: String, expected: Concurrency) throws {
        #expect(try endpoint(yaml).maxInFlight == expected)
    }

    @Test(
        arguments: [
            ("metrics: true", EngineMetrics()), ("metrics: false", nil), ("metrics: ", nil), ("metrics: {}", EngineMetrics()),
            (
                "metrics: {path: \"/m?x=1\", period: 500ms, staleAfter: 2s}",
                EngineMetrics(path: "/m?x=1", period: 500, staleAfter: 2_000)
            ),
            ("metrics: {period: 10s}", EngineMetrics(period: 10_000, staleAfter: 30_000)),
            ("metrics: {period: 1s}", EngineMetrics()),
        ] as [(String, EngineMetrics?)])
    func metrics(yaml: String, expected: EngineMetrics?) throws {
        #expect(try endpoint(yaml).metrics == expected)
    }

    @Test func programs() throws {
        let read = try endpoint(
            """
            activate: {exec: [/usr/bin/vllm, serve, "--x=a b", ""], user: vllm, env: {A: b, _B2: ""}, directory: /srv,
              readyTimeout: 3m, idleAfter: 168h, stopTimeout: 100ms, oneOf: gpu0}
            """)
        let program = EngineProgram(
            command: ["/usr/bin/vllm", "serve", "--x=a b", ""], user: "vllm", environment: ["A": "b", "_B2": ""],
            directory: "/srv")
        let expected = Activation(
            method: .exec(program), readyTimeout: 180_000, idleAfter: 604_800_000, stopTimeout: 100, oneOf: "gpu0")
        #expect(read.activation == expected && read.isOnDemand)
        let plain = try endpoint("activate: {exec: [/bin/x]}")
        #expect(plain.activation == Activation(method: .exec(EngineProgram(command: ["/bin/x"]))))
        // What the agent becomes, if it is not told otherwise.
        #expect(try endpoint("activate: {exec: [/bin/x], user: root}").isOnDemand)
        #expect(try endpoint("activate: ").isOnDemand == false)
    }

    @Test(
        arguments: [
            (
                "http: {start: \"http://10.0.0.1:1/up?a=b\", stop: \"https://h/down\"}, oneOf: gpu0",
                .http(start: "http://10.0.0.1:1/up?a=b", stop: "https://h/down"), "gpu0"
            ),
            ("http: {start: \"http://h\"}", .http(start: "http://h", stop: nil), nil),
            ("unit: vllm@llama.service", .unit("vllm@llama.service"), nil),
            ("unit: \"dev-x\\\\x2d.target\"", .unit("dev-x\\x2d.target"), nil),
        ] as [(String, Activation.Method, String?)])
    func hooksAndUnits(yaml: String, method: Activation.Method, set: String?) throws {
        #expect(try endpoint("activate: {\(yaml)}").activation == Activation(method: method, oneOf: set))
    }

    @Test func referencesAreResolvedInCommands() throws {
        let yaml = """
            models: {m: {endpoints: [{url: "http://[::1]:9", activate: {exec: [/bin/x, "--model=${env:M}"], env: {T: "${env:T}"}}}]}}
            """
        let read = try catalog(yaml, environment: ["M": "llama", "T": "t0k"]).models.first?.endpoints.first?.activation
        #expect(read?.method == .exec(EngineProgram(command: ["/bin/x", "--model=llama"], environment: ["T": "t0k"])))
    }

    /// One server, several models: it is started for each of them.
    @Test func oneActivationHoldsForEachModelOfTheServer() throws {
        let read = try catalog(
            """
            models:
              a: {endpoints: ["http://127.0.0.1:1"], fallback: ["http://127.0.0.1:2"]}
              b: {endpoints: [{url: "http://127.0.0.1:1/", activate: {unit: a.service}}]}
              c: {endpoints: [{url: "http://127.0.0.1:2", activate: {unit: c.service}}, "http://127.0.0.1:3"]}
              d: {endpoints: [{url: "http://127.0.0.1:1", activate: {unit: a.service}}]}
            pools:
              p: {models: [b], fallback: ["http://127.0.0.1:2"]}
            """)
        func units(_ endpoints: [Endpoint]) -> [String] {
            endpoints.map { endpoint in
                guard case .unit(let name) = endpoint.activation?.method else { return endpoint.isOnDemand ? "?" : "" }
                return endpoint.isOnDemand ? name : "?"
            }
        }
        #expect(read.models.map { units($0.endpoints) } == [["a.service"], ["a.service"], ["c.service", ""], ["a.service"]])
        #expect(read.models.map { units($0.fallback) } == [["c.service"], [], [], []])
        #expect(read.pools.map { units($0.fallback) } == [["c.service"]])
    }
}
