import Kubernetes
import Testing

@Suite struct WatchStreamTests {
    private func read(_ text: String, by size: Int, limit: Int = 4_096) -> (
        events: [WatchEvent<Thing>], fault: String?, end: String?
    ) {
        var stream = WatchStream<Thing>(maximumLine: limit)
        var events: [WatchEvent<Thing>] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let (some, fault) = stream.feed(rest.prefix(size))
            events += some
            if let fault { return (events, fault.description, nil) }
            rest = rest.dropFirst(size)
        }
        return (events, nil, stream.end()?.description)
    }

    @Test(arguments: [1, 2, 7, 64, 100_000])
    func readsEventsThatArriveInAnyPieces(size: Int) {
        let text =
            event("ADDED", json("a", version: "6")) + "\n \r\n" + event("MODIFIED", json("a", version: "7", size: "2"))
            + bookmark("8") + event("DELETED", json("a", version: "9")) + event("ERROR", status(410, "Expired"))
        let (events, fault, end) = read(text, by: size)
        #expect(fault == nil)
        #expect(end == nil)
        #expect(events.count == 5)
        guard events.count == 5, case .added(let first) = events[0], case .modified(let second) = events[1],
            case .deleted(let third) = events[3], case .error(let status) = events[4]
        else { return #expect(Bool(false), "\(events)") }
        #expect(first.spec?.size == 1)
        #expect(second.spec?.size == 2)
        #expect(events[2] == .bookmark(version: "8"))
        #expect(third.key == ObjectKey(namespace: "shop", name: "a"))
        #expect(status.isGone)
    }

    @Test func saysThatItWasCut() {
        let whole = event("ADDED", json("a")) + event("ADDED", json("b"))
        let (events, fault, end) = read(String(whole.dropLast(10)), by: 16)
        #expect(events.count == 1)
        #expect(fault == nil)
        #expect(end == "the watch was cut in the middle of an event")
    }

    @Test(arguments: [
        "<html>502 Bad Gateway</html>\n", "{}\n", "[]\n", "null\n", "{\"type\":\"ADDED\"}\n",
        "{\"type\":\"NEW\",\"object\":{}}\n",
        "{\"type\":7,\"object\":{}}\n", "{\"type\":\"ADDED\",\"object\":null}\n", "{\"type\":\"ADDED\",\"object\":[]}\n",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"namespace\":\"x\"}}}\n", "{\"type\":\"BOOKMARK\",\"object\":{}}\n",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\",\"labels\":{\"k\":[1]}}}}\n", "\u{0}\u{1}\u{2}\n",
        "{\"type\":\"ERROR\",\"object\":[1]}\n",
    ])
    func endsAtGarbage(line: String) {
        let (events, fault, _) = read(event("ADDED", json("a")) + line + event("ADDED", json("b")), by: 10)
        #expect(events.count == 1)
        #expect(fault?.hasPrefix("not an event: ") == true)
    }

    @Test func endsAtBytesThatAreNoText() {
        var stream = WatchStream<Thing>(maximumLine: 100)
        let (_, fault) = stream.feed([0xFF, 0xFE, 0x00, 0x0A])
        #expect(fault != nil)
    }

    @Test func endsAtAbysses() {
        let deep = String(repeating: "[", count: 100_000)
        let (events, fault, _) = read(#"{"type":"ADDED","object":"# + deep + "\n", by: 4_096, limit: 1 << 20)
        #expect(events.isEmpty)
        #expect(fault?.hasPrefix("not an event") == true)
    }

    @Test(arguments: [1, 50, 100_000])
    func boundsALine(size: Int) {
        let long = #"{"type":"ADDED","object":{"x":""# + String(repeating: "x", count: 5_000)
        #expect(read(event("ADDED", json("a")) + long, by: size).fault == "an event of more than 4096 bytes")
        #expect(read(event("ADDED", json("a")) + long + "\n", by: size).fault == "an event of more than 4096 bytes")
    }

    @Test func tellsOfAnObjectThatIsNotAsItShouldBe() {
        let (events, fault, _) = read(
            event("ADDED", json("a", size: "\"big\"")) + event("DELETED", json("b", size: "\"big\"")), by: 100)
        #expect(fault == nil)
        #expect(
            events.first
                == .unreadable(ObjectKey(namespace: "shop", name: "a"), version: "7", reason: "spec.size is of another type"))
        guard case .deleted(let metadata) = events.last else { return #expect(Bool(false), "\(events)") }
        #expect(metadata.uid == "u-b")
    }

    @Test func keepsOnlyAnnotationsOfItsOwn() {
        let annotated =
            #"{"metadata":{"name":"a","resourceVersion":"1","annotations":{"kubectl.kubernetes.io/last":"x","modelbroker.io/capture":"disabled"}}}"#
        guard case .added(let thing) = read(event("ADDED", annotated), by: 1_000).events.first else {
            return #expect(Bool(false))
        }
        #expect(thing.metadata.annotations == ["modelbroker.io/capture": "disabled"])
    }
}
