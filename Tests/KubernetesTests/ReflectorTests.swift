import Kubernetes
import Testing

@Suite struct ReflectorTests {
    @Test func listsInPagesAndWatchesFromThere() {
        let rig = Rig { $0.pageSize = 2 }
        rig.exchange(200, page([json("a"), json("b")], next: "more+"))
        #expect(rig.names.isEmpty)
        #expect(rig.reflector.condition == .starting)
        rig.exchange(200, page([json("c")]))
        #expect(rig.names == ["a", "b", "c"])
        #expect(rig.reflector.condition == .synced)
        rig.ask()
        let base = "/apis/test.io/v1/things?fieldSelector=spec.nodeName%3Dn%201"
        #expect(rig.targets[0] == base + "&limit=2&resourceVersion=0")
        #expect(rig.targets[1] == base + "&limit=2&continue=more%2B")
        #expect(rig.targets[2].hasPrefix(base + "&watch=1&allowWatchBookmarks=true&resourceVersion=5&timeoutSeconds="))
        let seconds = rig.targets[2].split(separator: "=").last.flatMap { Int($0) } ?? 0
        #expect((240...360).contains(seconds))
    }

    @Test func followsEvents() {
        let rig = Rig()
        rig.watch([json("a"), json("b")])
        let before = rig.reflector.store.revision
        rig.tell(event("ADDED", json("c", version: "6")) + event("DELETED", json("a", version: "7")))
        rig.tell(event("MODIFIED", json("b", version: "8", size: "9")))
        #expect(rig.names == ["b", "c"])
        #expect(rig.reflector.store.sorted.first?.spec?.size == 9)
        #expect(rig.reflector.store.revision == before + 3)
        // The same with a newer version is nothing new.
        rig.tell(event("MODIFIED", json("b", version: "9", size: "9")))
        #expect(rig.reflector.store.revision == before + 3)
        rig.pass(60)
        rig.reflector.end(now: rig.now)
        #expect(rig.ask() == 0)
        #expect(rig.targets.last?.contains("resourceVersion=9&") == true)
    }

    @Test func goesOnFromABookmark() {
        let rig = Rig()
        rig.watch()
        rig.tell(bookmark("4711"))
        rig.pass(2)
        rig.reflector.end(now: rig.now)
        rig.ask()
        #expect(rig.targets.last?.contains("resourceVersion=4711&") == true)
    }

    @Test(arguments: [false, true])
    func listsAnewWhenTheVersionIsGone(asEvent: Bool) {
        let rig = Rig()
        rig.watch([json("a"), json("b")])
        rig.pass(20)
        if asEvent {
            #expect(!rig.tell(event("ERROR", status(410, "Expired"))))
        } else {
            rig.reflector.end(now: rig.now)
            rig.exchange(410, status(410, "Expired"))
        }
        #expect(rig.reflector.condition == .synced)
        #expect(rig.names == ["a", "b"])
        #expect(rig.ask() == 0)
        #expect(rig.targets.last == "/apis/test.io/v1/things?fieldSelector=spec.nodeName%3Dn%201&limit=500")
        rig.answer(200, page([json("b"), json("c")], version: "90"))
        #expect(rig.names == ["b", "c"])
        rig.ask()
        #expect(rig.targets.last?.contains("resourceVersion=90&") == true)
    }

    @Test func waitsLongerWhenVersionsAreGoneAgainAndAgain() {
        let rig = Rig()
        var waits: [Double] = []
        for _ in 0..<8 {
            waits.append(rig.exchange(200, page([])) ?? -1)
            waits.append(rig.exchange(410, status(410, "Gone")) ?? -1)
        }
        let total = waits.reduce(0, +)
        #expect(total > 15)
        #expect(rig.reflector.condition == .synced)
    }

    @Test func takesAListInOnePieceWhenItsNextPageIsGone() {
        let rig = Rig { $0.pageSize = 1 }
        rig.exchange(200, page([json("a")], next: "t"))
        rig.exchange(410, status(410, "Expired"))
        rig.exchange(200, page([json("b")]))
        #expect(rig.targets.last == "/apis/test.io/v1/things?fieldSelector=spec.nodeName%3Dn%201")
        #expect(rig.names == ["b"])
    }

    @Test func keepsWhatItKnewWhileTheServerIsAway() {
        let rig = Rig()
        rig.watch([json("a")])
        rig.tell(bookmark("6"))
        rig.reflector.fail("connection reset", now: rig.now)
        // Once may happen.
        #expect(rig.reflector.condition == .synced)
        _ = rig.fail()
        #expect(rig.reflector.condition == .synced)
        _ = rig.fail()
        #expect(rig.reflector.condition == .away(reason: "connection refused"))
        #expect(rig.names == ["a"])
        // It goes on where it was.
        rig.ask()
        #expect(rig.targets.last?.contains("resourceVersion=6&") == true)
        rig.reflector.head(status: 200, now: rig.now)
        #expect(rig.reflector.condition == .synced)
    }

    /// With a limit the server would list the version before what broke the watch, and the watch from there would break again.
    @Test func listsWhatIsNewWhereWatchesBreak() {
        let rig = Rig()
        rig.watch([json("a")])
        rig.tell(event("ADDED", json("b", version: "9")))
        rig.tell("<html/>\n")
        rig.ask()
        #expect(rig.targets.last?.contains("&resourceVersion=9&timeoutSeconds=") == true)
        rig.reflector.head(status: 200, now: rig.now)
        rig.tell("<html/>\n")
        rig.ask()
        #expect(rig.targets.last == "/apis/test.io/v1/things?fieldSelector=spec.nodeName%3Dn%201&resourceVersion=9")
        // A page of it is too old: whatever is newest.
        rig.answer(410, status(410, "Expired"))
        rig.ask()
        #expect(rig.targets.last == "/apis/test.io/v1/things?fieldSelector=spec.nodeName%3Dn%201&limit=500")
    }

    @Test func waitsLongerAndByChance() {
        let rig = Rig()
        let waits = (0..<12).compactMap { _ in rig.fail() }
        #expect(waits[0] == 0)
        for (times, wait) in waits.dropFirst().enumerated() {
            let whole = min(30, 0.5 * Double(1 << times))
            #expect(wait >= whole / 2 && wait <= whole)
        }
        let other = Rig(seed: 2)
        #expect((0..<12).compactMap { _ in other.fail() } != waits)
    }

    @Test func grantsTheServerThePeaceItAsksFor() {
        let rig = Rig()
        rig.exchange(429, status(429, "TooManyRequests", retryAfter: 17))
        #expect(rig.ask() ?? 0 >= 17)
        rig.answer(503, status(503, "x", retryAfter: 1_000_000))
        #expect((60...61).contains(rig.ask() ?? 0))
    }

    @Test(arguments: [
        "<html/>", "", "{}", "[]", #"{"metadata":{},"items":[]}"#, #"{"metadata":{"resourceVersion":"1"},"items":7}"#,
    ])
    func isNotDeceivedByOtherAnswers(body: String) {
        let rig = Rig(known: [Thing(metadata: ObjectMeta(name: "old"))])
        rig.exchange(200, body)
        rig.exchange(200, body)
        #expect(rig.names == ["old"])
        guard case .away = rig.reflector.condition else { return #expect(Bool(false), "\(rig.reflector.condition)") }
    }

    @Test func saysWhyTheServerRefuses() {
        let rig = Rig()
        rig.exchange(403, status(403, "Forbidden"))
        rig.exchange(403, status(403, "Forbidden"))
        #expect(rig.reflector.condition == .away(reason: "status 403 Forbidden: so it is"))
    }

    @Test func boundsWhatItReads() {
        let rig = Rig {
            $0.maximumPage = 1_000
            $0.maximumObjects = 2
            $0.maximumPages = 3
        }
        rig.ask()
        rig.reflector.head(status: 200, now: rig.now)
        #expect(!rig.tell(String(repeating: " ", count: 1_001)))
        #expect(rig.reflector.wake != nil)
        rig.exchange(200, page([json("a"), json("b"), json("c")]))
        #expect(rig.targets.last?.hasSuffix("&limit=500") == true, "in pages, of the newest version")
        #expect(rig.names == ["a", "b"])
        #expect(rig.reflector.store.leftOut == 1)
        rig.ask()
        rig.reflector.head(status: 200, now: rig.now)
        rig.tell(event("ADDED", json("d")))
        #expect(rig.names == ["a", "b"])
        let endless = Rig { $0.maximumPages = 3 }
        for _ in 0..<3 { endless.exchange(200, page([], next: "t")) }
        #expect(endless.ask() ?? 0 > 0)
    }

    @Test func keepsWhatIsNotAsItShouldBeAsItWas() {
        let rig = Rig()
        rig.watch([json("a", size: "3"), json("b")])
        rig.tell(event("MODIFIED", json("a", version: "6", size: "\"x\"")))
        #expect(rig.reflector.unreadable.keys.map(\.name) == ["a"])
        #expect(rig.reflector.store.sorted.first?.spec?.size == 3)
        rig.pass(2)
        rig.tell(event("ERROR", status(410, "Gone")))
        rig.exchange(200, page([json("a", size: "[]"), json("c", size: "{}")]))
        #expect(rig.names == ["a"])
        #expect(Set(rig.reflector.unreadable.keys.map(\.name)) == ["a", "c"])
        rig.ask()
        rig.reflector.head(status: 200, now: rig.now)
        rig.tell(event("MODIFIED", json("c", version: "8")) + event("DELETED", json("a", version: "9", size: "\"y\"")))
        #expect(rig.names == ["c"])
        #expect(rig.reflector.unreadable.isEmpty)
    }

    @Test func anObjectThatIsGoneTakesNoOtherOfItsNameAlong() {
        let rig = Rig()
        rig.watch([json("a", uid: "old")])
        rig.tell(event("ADDED", json("a", version: "6", uid: "new")) + event("DELETED", json("a", version: "7", uid: "old")))
        #expect(rig.names == ["a"])
    }

    @Test func listsAnewAfterStreamsThatBreakAgainAndAgain() {
        let rig = Rig()
        rig.watch([json("a")])
        #expect(!rig.tell("garbage\n"))
        #expect(rig.reflector.condition == .synced)
        rig.ask()
        #expect(rig.targets.last?.contains("watch=1") == true)
        rig.reflector.head(status: 200, now: rig.now)
        #expect(!rig.tell("garbage\n"))
        guard case .away(let reason) = rig.reflector.condition else { return #expect(Bool(false)) }
        #expect(reason.hasPrefix("not an event"))
        // A list that works does not make up for a watch that does not.
        rig.exchange(200, page([json("b")]))
        #expect(rig.names == ["b"])
        rig.ask()
        rig.reflector.head(status: 200, now: rig.now)
        guard case .away = rig.reflector.condition else { return #expect(Bool(false)) }
        rig.tell(bookmark("99"))
        #expect(rig.reflector.condition == .synced)
    }

    @Test func believesAWatchThatStands() {
        let rig = Rig()
        rig.watch()
        _ = rig.fail("reset")
        rig.reflector.fail("reset", now: rig.now)
        rig.ask()
        rig.reflector.head(status: 200, now: rig.now)
        rig.reflector.fail("reset", now: rig.now)
        #expect(rig.reflector.condition == .away(reason: "reset"))
        rig.watch()
        #expect(rig.reflector.condition == .away(reason: "reset"))
        rig.pass(1)
        #expect(rig.reflector.deadline == rig.now)
        #expect(!rig.expire())
        #expect(rig.reflector.condition == .synced)
        rig.pass(389)
        #expect(rig.reflector.deadline == rig.now)
        #expect(rig.expire())
    }

    @Test func takesNoWatchThatEndsAtOnceForAGoodOne() {
        let rig = Rig()
        rig.watch()
        rig.reflector.end(now: rig.now)
        #expect(rig.ask() ?? 0 >= 0.25)
        rig.reflector.head(status: 200, now: rig.now)
        rig.reflector.end(now: rig.now)
        guard case .away(let reason) = rig.reflector.condition else { return #expect(Bool(false)) }
        #expect(reason == "the watch ended at once")
    }

    @Test func givesUpOnSilence() {
        let rig = Rig()
        rig.ask()
        #expect(rig.reflector.deadline == rig.now + 30_000_000_000)
        rig.pass(30)
        rig.reflector.expire(now: rig.now)
        rig.ask()
        rig.pass(30)
        rig.reflector.expire(now: rig.now)
        #expect(rig.reflector.condition == .away(reason: "no answer in 30 s"))
        rig.watch()
        rig.pass(390)
        #expect(rig.reflector.deadline == rig.now)
        rig.reflector.expire(now: rig.now)
        #expect(rig.ask() == 0)
    }

    @Test func aResourceThatNobodyKnowsHasNoObjects() {
        let rig = Rig({ $0.maybeUnknown = true }, known: [Thing(metadata: ObjectMeta(name: "old"))])
        rig.exchange(404, "404 page not found")
        #expect(rig.reflector.condition == .synced)
        #expect(rig.names.isEmpty)
        #expect(rig.ask() ?? 0 >= 15)
        let needed = Rig()
        needed.exchange(404, "")
        needed.exchange(404, "")
        #expect(needed.reflector.condition == .away(reason: "status 404"))
    }

    @Test func replacesWhatItKnewFromBefore() {
        let rig = Rig(known: [Thing(metadata: ObjectMeta(name: "a")), Thing(metadata: ObjectMeta(name: "b"))])
        #expect(rig.names == ["a", "b"])
        #expect(rig.reflector.condition == .starting)
        rig.exchange(200, page([json("b")]))
        #expect(rig.names == ["b"])
    }

    /// Whatever comes, it asks again, in bounded time and not at once for ever.
    @Test func comesBackFromAnything() {
        var random = SystemRandomNumberGenerator()
        for seed in UInt64(0)..<200 {
            let rig = Rig({ $0.pageSize = 2 }, seed: seed)
            var requests = 0
            for _ in 0..<60 {
                if rig.ask() != nil { requests += 1 }
                let bodies = [page([json("a")]), page([], next: "t"), status(410, "Gone"), "x", bookmark("3"), "{}\n", ""]
                switch Int.random(in: 0..<6, using: &random) {
                case 0: rig.reflector.fail("away", now: rig.now)
                case 1:
                    rig.pass(1_000)
                    rig.reflector.expire(now: rig.now)
                case 2:
                    rig.answer(
                        [200, 410, 500, 404].randomElement(using: &random) ?? 200, bodies.randomElement(using: &random) ?? "")
                case 3: rig.reflector.head(status: 200, now: rig.now)
                case 4: rig.tell(bodies.randomElement(using: &random) ?? "")
                default: rig.reflector.end(now: rig.now)
                }
                if let wake = rig.reflector.wake {
                    #expect(wake <= rig.now + 61_000_000_000)
                } else {
                    #expect(rig.reflector.deadline != nil)
                }
            }
            #expect(requests > 1)
        }
    }
}
