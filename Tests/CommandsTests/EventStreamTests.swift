import Commands
import Control
import Testing

@Suite struct EventStreamTests {
    private func line(_ kind: String) -> String { #"{"ok":true,"data":{"kind":"\#(kind)","time":"t"}}"# + "\n" }

    private func kinds(follow: Bool, _ serve: @escaping @Sendable (FakeAgent.Connection) -> Void) throws -> [String] {
        let agent = try FakeAgent(serve)
        var kinds: [String] = []
        do {
            try ControlClient(runDirectory: agent.directory, patience: 300).events(follow: follow, last: 5) {
                kinds.append($0.kind.rawValue)
            }
        } catch {
            kinds.append("\(error)")
        }
        return kinds
    }

    @Test func handsOverEventsUntilTheAgentCloses() throws {
        let lines = [line("broken"), line("kind-of-the-future")]
        let kinds = try kinds(follow: false) { connection in
            #expect(connection.line() == #"{"command":"events","follow":false,"last":5}"#)
            for line in lines { connection.send(line) }
        }
        #expect(kinds == ["broken", "kind-of-the-future"])
    }

    @Test func followsLongerThanItsPatience() throws {
        let lines = [line("reloaded"), line("proxy-exited")]
        let kinds = try kinds(follow: true) { connection in
            for line in lines {
                connection.pause(milliseconds: 400)
                connection.send(line)
            }
        }
        #expect(kinds == ["reloaded", "proxy-exited"])
    }

    @Test func timesOutWithoutFollow() throws {
        let kinds = try kinds(follow: false) { $0.untilGone() }
        #expect(kinds == [ClientError.timedOut.description])
    }

    @Test func splitsLinesThatComeTogetherOrInPieces() throws {
        let text = line("broken") + line("opaque")
        let kinds = try kinds(follow: true) { connection in
            connection.send(String(text.prefix(60)))
            connection.pause(milliseconds: 20)
            connection.send(String(text.dropFirst(60)))
        }
        #expect(kinds == ["broken", "opaque"])
    }

    @Test func reportsHalfALineAtTheEnd() throws {
        let line = line("broken")
        let kinds = try kinds(follow: true) { connection in
            connection.send(line)
            connection.send("{\"ok\":tr")
        }
        #expect(kinds == ["broken", ClientError.closedEarly.description])
    }

    @Test func endsAtGarbage() throws {
        let line = line("broken")
        let kinds = try kinds(follow: true) { connection in
            connection.send(line + "???\n" + line)
        }
        #expect(kinds.count == 2 && kinds[1].contains("cannot be read"))
    }
}
