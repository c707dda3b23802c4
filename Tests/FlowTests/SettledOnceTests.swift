import Catalog
import Control
import Flow
import Routing
import Telemetry
import Testing

/// Whatever happens in whatever order, each attempt is settled once and each request's books are closed.
@Suite struct SettledOnceTests {
    @Test func everyPathSettlesEveryAttemptOnce() {
        var dice = Dice(state: 42)
        var (answered, retried, raced) = (0, 0, UInt64(0))
        for run in 0..<800 {
            var game = Game(Self.catalog(run % 4))
            for _ in 0..<Int(10 + dice.below(30)) where !game.isOver { game.step(&dice) }
            #expect(game.driver.underWay == (game.isWaiting ? game.attempts : 0), "run \(run)")
            game.end()
            #expect(game.driver.underWay == 0, "run \(run)")
            #expect(game.driver.context.ledger.statistics().models.allSatisfy { $0.counters.active == 0 }, "run \(run)")
            answered += game.answers
            let routes = game.driver.context.router.routeFigures()
            retried += routes.reduce(0) { $0 + Int($1.retries) }
            raced += routes.reduce(0) { $0 + $1.hedges }
        }
        #expect(answered > 250 && retried > 250 && raced > 25, "\(answered) \(retried) \(raced)")
    }

    private static func catalog(_ kind: Int) -> Catalog {
        let retry = RetryPolicy(firstByteTimeout: kind % 2 == 0 ? 5000 : nil, hedges: true)
        var catalog = kind < 2 ? FlowDriver.pool(retry, .roundRobin) : FlowDriver.pair(retry, .roundRobin)
        if kind == 2 { catalog.models[0].endpoints[1].upstreamModel = "other" }
        if kind == 3 { catalog.models[0].endpoints.append(FlowDriver.endpoint(FlowDriver.third)) }
        return catalog
    }
}

struct Dice {
    var state: UInt64

    mutating func below(_ bound: UInt64) -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state >> 33) % bound
    }
}

/// Plays the part of the sockets: only what a driver could report is reported.
private struct Game {
    enum Link { case none, connecting, open }

    var driver: FlowDriver
    let catalog: Catalog
    var upstream = Link.none
    var hedge = Link.none
    var answers = 0
    var isOver = false
    /// Pieces of the answer under way that have come.
    private var progress = 0

    static let pieces = ["HTTP/1.1 200 OK\r\nContent-Le", "ngth: 4\r\nContent-Type: application/json\r\n\r\n", "{\"", "\"}"]

    init(_ catalog: Catalog) {
        self.catalog = catalog
        driver = FlowDriver(catalog)
        // Enough answers for the route to know how long they take.
        for _ in 0..<60 {
            ask()
            if upstream == .connecting { connect() }
            driver.upstream(Text.answer)
            settle()
        }
        answers = 0
    }

    var isWaiting: Bool { driver.flow.isAtWork }

    var attempts: Int { (upstream == .none ? 0 : 1) + (hedge == .none ? 0 : 1) }

    private mutating func ask() {
        driver.client(Text.ask(catalog.pools.isEmpty ? "m" : "chat"))
        settle()
    }

    private mutating func connect() {
        upstream = .open
        driver.connected()
        settle()
    }

    /// Carries out what the flow asked for.
    private mutating func settle() {
        for action in driver.takeActions() {
            switch action {
            case .connect: (upstream, progress) = (.connecting, 0)
            case .connectHedge: hedge = .connecting
            case .promoteHedge: (upstream, hedge, progress) = (.open, .none, 4)
            case .releaseHedge: hedge = .none
            case .releaseUpstream, .abort(.upstream): upstream = .none
            case .close(.client), .abort(.client): isOver = true
            default: break
            }
        }
        if driver.takeClient().hasPrefix("HTTP/1.1 200") { answers += 1 }
    }

    mutating func step(_ dice: inout Dice) {
        driver.context.now += dice.below(3_000_000)
        if driver.flow.state == .idle { return ask() }
        switch dice.below(12) {
        case 0 where driver.flow.deadline != 0: driver.timeout()
        case 1: driver.adopt(catalog)
        case 2 where dice.below(8) == 0:
            if dice.below(2) == 0 { driver.ended(.client) } else { driver.failed(.client) }
        case 3, 4, 5: stepHedge(&dice)
        default: stepUpstream(&dice)
        }
        settle()
    }

    private mutating func stepUpstream(_ dice: inout Dice) {
        switch upstream {
        case .none: if driver.flow.deadline != 0, driver.flow.state == .connecting { driver.timeout() }
        case .connecting:
            guard dice.below(5) == 0 else {
                upstream = .open
                return driver.connected(reused: dice.below(3) == 0)
            }
            driver.connectFailed()
        case .open:
            switch dice.below(10) {
            case 0: driver.ended(.upstream)
            case 1: driver.failed(.upstream)
            case 2: driver.upstream(Text.failure([429, 500, 503, 404][Int(dice.below(4))]))
            case 3: driver.upstream("nonsense\r\n\r\n")
            case 4 where driver.flow.deadline != 0: driver.timeout()
            default:
                driver.upstream(progress < 4 ? Self.pieces[progress] : Text.answer)
                progress = min(4, progress + 1)
            }
        }
    }

    private mutating func stepHedge(_ dice: inout Dice) {
        switch hedge {
        case .none: break
        case .connecting:
            if dice.below(3) == 0 {
                hedge = .none
                driver.hedgeFailed()
            } else {
                hedge = .open
                driver.hedgeConnected()
            }
        case .open:
            switch dice.below(4) {
            case 0: driver.ended(.hedge)
            case 1: driver.give(.hedge, Array(Text.failure(500).utf8))
            default: driver.give(.hedge, Array(Text.answer.utf8))
            }
        }
    }

    mutating func end() {
        guard !isOver else { return }
        driver.failed(.client)
        settle()
    }
}
