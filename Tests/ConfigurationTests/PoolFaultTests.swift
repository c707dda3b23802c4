import Catalog
import Configuration
import Testing

/// What bad pools and capabilities are told.
@Suite struct PoolFaultTests {
    private static let models = """
        models:
          llama-70b: {endpoints: [{url: "http://a", labels: {tier: gpu}}, {url: "http://zero", weight: 0, labels: {tier: spare}}]}
          llama-8b: {endpoints: [{url: "http://b", labels: {tier: cpu}}], capabilities: chat-completion}

        """

    /// The pools begin on line 5.
    private func faults(pools: String) -> [String] { ConfigurationTests.faults(Self.models + "pools:\n" + pools) }

    @Test(arguments: [
        (
            "  p: {models: [llama-80b, nothing-like-it]}",
            [
                "line 5: pools.p.models[0]: \"llama-80b\" is neither under models nor under pools; did you mean llama-70b?",
                "line 5: pools.p.models[1]: \"nothing-like-it\" is neither under models nor under pools",
            ]
        ),
        (
            "  chat: {models: llama-8b}\n  p:\n    models: {chta: 1}",
            [
                "line 7: pools.p.models.chta: \"chta\" is neither under models nor under pools; did you mean chat?"
            ]
        ),
        (
            "  p: {models: [llama-8b, llama-8b]}",
            ["line 5: pools.p.models[1]: \"llama-8b\" is given twice; the first is on line 5"]
        ),
        ("  p: {models: []}", ["line 5: pools.p.models: names no model"]),
        ("  p:", ["line 5: pools.p: stands for nothing; it needs models, capability or selector"]),
        ("  p: {strategy: weighted}", ["line 5: pools.p: stands for nothing; it needs models, capability or selector"]),
        (
            "  p: [a]",
            [
                "line 5: pools.p: must be a mapping of keys and values: models, capability, selector, strategy, retry, breaker, "
                    + "fallback, mirror; it is a list"
            ]
        ),
        (
            "  p: {models: {llama-8b: 65536}}",
            ["line 5: pools.p.models.llama-8b: \"65536\" is not a whole number from 0 to 65535"]
        ),
        ("  p: {models: {llama-8b: -1}}", ["line 5: pools.p.models.llama-8b: \"-1\" is not a whole number from 0 to 65535"]),
        (
            "  p: {models: {llama-8b: 0, llama-70b: 0}}",
            [
                "line 5: pools.p.models: gives weight 0 to everything in the pool; something needs a weight from 1 to 65535"
            ]
        ),
        (
            "  p: {selector: {tier: spare}}",
            [
                "line 5: pools.p: gives weight 0 to everything in the pool; something needs a weight from 1 to 65535"
            ]
        ),
        (
            "  p: {models: llama-8b, weight: 1}",
            [
                "line 5: pools.p.weight: is not a known key; accepted here: models, capability, selector, strategy, retry, "
                    + "breaker, fallback, mirror"
            ]
        ),
    ])
    func members(pools: String, expected: [String]) {
        #expect(faults(pools: pools) == expected)
    }

    @Test func circlesAreNamed() {
        #expect(
            faults(pools: "  a: {models: [llama-8b, b]}\n  b:\n    models: [c]\n  c: {models: [a]}\n") == [
                "line 8: pools.c.models[0]: \"a\" makes a circle: a -> b -> c -> a"
            ])
        #expect(faults(pools: "  a: {models: {a: 1}}") == ["line 5: pools.a.models.a: \"a\" makes a circle: a -> a"])
        let two = faults(pools: "  x: {models: [a, llama-8b]}\n  a: {models: b}\n  b: {models: a}\n  y: {models: [b, x]}")
        #expect(two == ["line 7: pools.b.models: \"a\" makes a circle: a -> b -> a"])
    }

    @Test func depthIsBounded() {
        let chain = (0..<40).map { "  p\($0): {models: [p\($0 + 1)]}\n" }.joined() + "  p40: {models: llama-8b}\n"
        let found = faults(pools: chain)
        #expect(found.first == "line 20: pools.p15.models[0]: \"p16\" is nested deeper than 16 pools")
        #expect(found.count == 2)
    }

    @Test(arguments: [
        (
            "  p: {selector: {tier: tpu}}",
            ["line 5: pools.p.selector: fits no endpoint; labels stand with the endpoints under models"]
        ),
        (
            "  p: {models: llama-8b, selector: {tier: gpu}}",
            [
                "line 5: pools.p.selector: fits no endpoint of its models; labels stand with the endpoints under models"
            ]
        ),
        (
            "  p: {selector: {}}",
            ["line 5: pools.p.selector: names no label"]
        ),
        (
            "  p: {selector: {a b: x, c: [1]}}",
            [
                "line 5: pools.p.selector.\"a b\": \"a b\" is not a label: letters, digits, dots, underscores or hyphens, and one slash at most",
                "line 5: pools.p.selector.c: must be a single value, not a list or mapping",
            ]
        ),
        (
            "  p: {models: q}\n  q: {selector: {tier: gpu}}",
            [
                "line 5: pools.p.models: \"q\" is a pool, whose selector would be lost in this one; give this one the same, or name models"
            ]
        ),
        (
            "  p: {capability: chat-complation}",
            [
                "line 5: pools.p.capability: \"chat-complation\" is not a capability; did you mean chat-completion?"
            ]
        ),
        (
            "  p: {capability: frying}",
            [
                "line 5: pools.p.capability: \"frying\" is not a capability; `modelbroker capability list` has all that are built in, "
                    + "others go under capabilities"
            ]
        ),
        (
            "  p: {capability: rag}",
            [
                "line 5: pools.p.capability: \"rag\" is something that no model has; models say what they have under capabilities"
            ]
        ),
    ])
    func selectorsAndCapabilities(pools: String, expected: [String]) {
        #expect(faults(pools: pools) == expected)
    }

    @Test(arguments: [
        (
            "  llama-8b: {models: llama-70b}",
            ["line 5: pools.llama-8b: \"llama-8b\" is the name of a model; requests could mean either"]
        ),
        (
            "  chat-completion: {models: llama-70b}",
            [
                "line 5: pools.chat-completion: \"chat-completion\" is the name of a capability, "
                    + "generation.text-generation.chat-completion; requests could mean either"
            ]
        ),
        (
            "  retrieval.rag: {models: llama-70b}",
            [
                "line 5: pools.\"retrieval.rag\": \"retrieval.rag\" is the name of a capability; requests could mean either"
            ]
        ),
        ("  \"\": {models: llama-70b}", ["line 5: pools.\"\": \"\" is not a model name: 1 to 256 bytes"]),
    ])
    func names(pools: String, expected: [String]) {
        #expect(faults(pools: pools) == expected)
    }

    @Test(arguments: [
        (
            "  p: {models: llama-8b, mirror: {model: llama-7b}}",
            [
                "line 5: pools.p.mirror.model: \"llama-7b\" is not under models; did you mean llama-70b?"
            ]
        ),
        ("  p: {models: llama-8b, mirror: p}", ["line 5: pools.p.mirror: \"p\" is a pool; a model is needed here"]),
        (
            "  p: {models: llama-8b, mirror: {model: llama-8b}}",
            [
                "line 5: pools.p.mirror: \"llama-8b\" is a model of the pool itself; mirror is for one on trial"
            ]
        ),
        (
            "  p: {models: llama-8b, mirror: {model: llama-70b, percent: 0%}}",
            [
                "line 5: pools.p.mirror.percent: \"0%\" is not a percentage from 1% to 100%"
            ]
        ),
        (
            "  p: {models: llama-8b, mirror: {model: llama-70b, percent: 10}}",
            [
                "line 5: pools.p.mirror.percent: \"10\" is not a percentage from 1% to 100%"
            ]
        ),
        (
            "  p: {models: llama-8b, mirror: {percent: 10%}}",
            ["line 5: pools.p.mirror: has no model; write {model: NAME, percent: 10%}"]
        ),
    ])
    func mirrors(pools: String, expected: [String]) {
        let found = faults(pools: pools)
        // Two names are equally near.
        #expect(
            found == expected
                || (found.count == 1 && expected[0].contains("llama-7b") && found[0].contains("did you mean llama-")))
    }

    @Test func fallbackIsSomethingElse() {
        #expect(
            faults(pools: "  p:\n    models: llama-8b\n    fallback: [\"http://b\", \"http://c\"]") == [
                "line 7: pools.p.fallback: has an endpoint that \"llama-8b\" of the pool has already"
            ])
        #expect(
            faults(pools: "  p: {models: llama-8b, fallback: [{url: \"http://c\", weight: 0}]}") == [
                "line 5: pools.p.fallback: gives weight 0 to every endpoint; at least one needs a weight from 1 to 65535"
            ])
    }

    @Test func capabilitiesOfTheFile() {
        let found = ConfigurationTests.faults(
            """
            capabilities:
              - Generation.X
              - a..b
              - -a
              - retrieval.rag
              - chat-completion
              - mine.one
              - mine.one
              - a.b.c.d.e.f.g.h.i
            models:
              retrieval: {endpoints: ["http://h"]}
              mine: {endpoints: ["http://h"]}
              m: {endpoints: ["http://h"], capabilities: [chat-completion, generation.text-generation.chat-completion, caht-completion]}
            """)
        let form =
            "is not a capability: one to eight names with dots between them, each of 1 to 63 small letters, digits and hyphens"
        #expect(
            found == [
                "line 2: capabilities[0]: \"Generation.X\" \(form)", "line 3: capabilities[1]: \"a..b\" \(form)",
                "line 4: capabilities[2]: \"-a\" \(form)", "line 5: capabilities[3]: \"retrieval.rag\" is built in already",
                "line 6: capabilities[4]: \"chat-completion\" is built in already, as another name for "
                    + "generation.text-generation.chat-completion",
                "line 8: capabilities[6]: \"mine.one\" is given twice; the first is on line 7",
                "line 9: capabilities[7]: \"a.b.c.d.e.f.g.h.i\" \(form)",
                "line 11: models.retrieval: \"retrieval\" is the name of a capability; requests could mean either",
                "line 12: models.mine: \"mine\" is the name of a capability; requests could mean either",
                "line 13: models.m.capabilities[2]: \"caht-completion\" is not a capability; did you mean chat-completion?",
                "line 13: models.m.capabilities[1]: \"generation.text-generation.chat-completion\" is given already, "
                    + "models.m.capabilities[0] on line 13",
            ])
    }

    @Test func aLastPartOfSeveralPathsSaysSo() {
        let found = ConfigurationTests.faults(
            "capabilities: [one.draw, two.draw]\nmodels: {m: {endpoints: [\"http://h\"], capabilities: draw}}")
        #expect(found == ["line 2: models.m.capabilities: \"draw\" means several capabilities: one.draw, two.draw"])
    }

    @Test func countsAreBounded() {
        let many = (0...1_024).map { "  p\($0): {models: llama-8b}\n" }.joined()
        #expect(faults(pools: many) == ["line 4: pools: has 1025 pools; at most 1024 are possible"])
        let nodes = (0...1_024).map { "c\($0)" }.joined(separator: ", ")
        #expect(
            ConfigurationTests.faults("capabilities: [\(nodes)]") == [
                "line 1: capabilities: has 1025 capabilities; at most 1024 are possible"
            ])
        // Pools that together stand for more than the machine can take.
        let models = "models:\n" + (0..<2_000).map { "  m\($0): {endpoints: [http://h]}\n" }.joined()
        let all = (0..<2_000).map { "m\($0)" }.joined(separator: ", ")
        let pools = "  all: {models: [\(all)]}\n" + (0..<200).map { "  p\($0): {models: all}\n" }.joined()
        let found = ConfigurationTests.faults(models + "pools:\n" + pools)
        #expect(
            found.first == "line 2134: pools.p130: makes more than 262144 models in all pools together", "\(found.first ?? "")")
    }

    @Test func clientsAndRules() {
        let found = faults(
            pools: """
                  p: {models: llama-8b}
                clients: {x: {allow: [p, q], deny: p}}
                capture: [{name: r, to: "10.0.0.1:80", path: direct, model: p}]
                """)
        #expect(
            found == [
                "line 6: clients.x.allow[1]: \"q\" is neither under models nor under pools",
                "line 7: capture[0].model: \"p\" is a pool; a model is needed here",
            ])
    }
}
