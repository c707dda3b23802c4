import Catalog
import Configuration
import Glibc
import Testing

/// Resources that somebody made to read the node's files, to run something there, or to hurt the reader.
@Suite(.timeLimit(.minutes(2))) struct HostileResourceTests {
    private func spec(_ more: String) -> String { #"{"endpoints": [{"url": "http://10.0.0.1:8000"\#(more)}]}"# }

    @Test func nothingOfTheNodeIsRead() throws {
        try Scratch.with { scratch in
            let secret = try scratch.write("sesame-sesame-sesame", to: "key")
            setenv("MODELBROKER_TEST_SECRET", "sesame-sesame-sesame", 1)
            defer { unsetenv("MODELBROKER_TEST_SECRET") }
            for (what, more) in [
                ("a key", #", "key": "${file:\#(secret)}""#), ("a variable", #", "key": "${env:MODELBROKER_TEST_SECRET}""#),
                ("a label", #", "labels": {"a": "${file:\#(secret)}"}"#),
                ("a name", #", "upstreamModel": "x${file:\#(secret)}""#),
                ("a weight", #", "weight": "${file:\#(secret)}""#), ("authorities", #", "tls": {"ca": "\#(secret)"}"#),
                ("a program", #", "activate": {"exec": ["/bin/true"]}"#), ("a unit", #", "activate": {"unit": "ssh.service"}"#),
                ("credentials", #", "forwardCredentials": true"#),
            ] {
                let overlaid = try Overlaid("", [resource(.model, "m", spec(more))])
                let refusal = overlaid.refusal(.model, "m")
                #expect(refusal?.contains("a resource has nothing of the node's own") == true, "\(what): \(overlaid.verdicts)")
                #expect(refusal?.contains("sesame") == false && overlaid.models.isEmpty, "\(what)")
            }
            let url = try Overlaid("", [resource(.model, "m", #"{"endpoints": [{"url": "http://${env:HOME}"}]}"#)])
            #expect(url.refusal(.model, "m")?.contains("has a reference") == true)
            let forwarding = #"{"forwardCredentials": true, "endpoints": [{"url": "http://10.0.0.1"}]}"#
            #expect(try !Overlaid("", [resource(.model, "m", forwarding)]).isAccepted(.model, "m"))
            let keys = #"{"workloads": ["/a"], "keys": ["${file:\#(secret)}"]}"#
            let access = try Overlaid("clients: {}\n", [resource(.accessControl, "a", keys)])
            #expect(access.refusal(.accessControl, "a")?.contains("spec.keys: is not a known key") == true)
            // The same in the file is a file's business.
            let file = "models: {m: {endpoints: [{url: \"http://10.0.0.1\", key: \"${file:\(secret)}\"}]}}\n"
            #expect(try Overlaid(file, []).catalog.models[0].endpoints[0].key != nil)
        }
    }

    @Test func whatIsAClaimCannotReachFurther() throws {
        let file = "models: {m: {endpoints: [\"http://10.0.0.1\"]}}\nclients: {c: {}}\n"
        for (kind, spec) in [
            (ResourceKind.qosClaim, #"{"model": "m", "forwardCredentials": "true"}"#),
            (.qosClaim, #"{"client": "c", "allow": ["m"]}"#), (.accessControl, #"{"client": "c", "workloads": ["/"]}"#),
            (.accessControl, #"{"client": "c", "group": "gold"}"#),
        ] {
            let overlaid = try Overlaid(file, [resource(kind, "x", spec)])
            #expect(overlaid.refusal(kind, "x")?.contains("is not a known key") == true)
            #expect(overlaid.catalog == (try catalog(file + Overlaid.node)))
        }
    }

    @Test func nestingAndSize() throws {
        let deep = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
        let long = String(repeating: "x", count: 300_000)
        let many = "[" + (0..<60_000).map { "\($0)" }.joined(separator: ",") + "]"
        let overlaid = try Overlaid(
            "",
            [
                resource(.model, "deep", #"{"strategy": \#(deep)}"#), resource(.model, "long", #"{"access": "\#(long)"}"#),
                resource(.model, "many", #"{"capabilities": \#(many)}"#),
                resource(.model, "control", #"{"name": "a\u0007b", "endpoints": [{"url": "http://10.0.0.1"}]}"#),
                resource(.model, "fine", spec("")),
            ])
        #expect(overlaid.models == ["fine"])
        #expect(overlaid.refusal(.model, "deep") == "Invalid: spec: is nested deeper than 14 levels")
        #expect(overlaid.refusal(.model, "long") == "TooLarge: spec: is too large; 256 KiB are possible")
        #expect(overlaid.refusal(.model, "many")?.hasPrefix("TooLarge") == true)
        let control = try #require(overlaid.refusal(.model, "control"))
        #expect(control.contains("has a control character") && !control.contains("\u{7}"))
    }

    @Test func messagesAreShort() throws {
        let endpoints = (0..<200).map { #"{"url": "\#(String(repeating: "u", count: 200))\#($0)"}"# }.joined(separator: ",")
        let refusal = try Overlaid("", [resource(.model, "m", #"{"endpoints": [\#(endpoints)]}"#)]).refusal(.model, "m")
        #expect(try #require(refusal).utf8.count < 2_000)
        #expect(refusal?.hasSuffix("and 195 more") == true)
    }

    @Test func oneTooManyIsTheYoungest() throws {
        let resources = try (0..<1_030).map { number in
            try resource(.pool, "p\(number)", #"{"models": ["m"]}"#, created: number < 1_024 ? 1 : 2)
        }
        let overlaid = try Overlaid("models: {m: {endpoints: [\"http://10.0.0.1\"]}}\n", resources)
        #expect(overlaid.catalog.pools.count == 1_024)
        for number in 1_024..<1_030 {
            let refusal = overlaid.refusal(.pool, "p\(number)")
            #expect(
                refusal?.hasPrefix("TooLarge: with it, pools has 1025 pools; at most 1024 are possible") == true,
                "\(refusal ?? "")")
        }
    }

    @Test func aLongChainComesToAnEnd() throws {
        let chain = try (0..<300).map { try resource(.pool, "p\($0)", #"{"models": ["p\#($0 + 1)"]}"#) }
        let overlaid = try Overlaid("", chain + [try resource(.model, "m", spec(""))])
        #expect(overlaid.models == ["m"] && overlaid.catalog.pools.isEmpty)
    }
}
