import Catalog
import Identity
import Testing

@Suite struct AccessTableTests {
    static let models = [
        Model(name: "open", endpoints: []), Model(name: "secret", endpoints: [], access: .private),
        Model(name: "other", endpoints: []),
    ]
    static let pools = [
        Pool(name: "chat", models: [.init(model: "open"), .init(model: "secret")]),
        Pool(name: "all", models: [.init(model: "open"), .init(model: "other")]),
    ]
    static let table = AccessTable(
        models: models,
        clients: [
            Client(name: "pooled", allow: ["chat"]), Client(name: "named", allow: ["secret"]),
            Client(name: "mixed", allow: ["chat"], deny: ["secret"]), Client(name: "denied", deny: ["chat"]),
            Client(name: "both", allow: ["chat"], deny: ["chat"]), Client(name: "plain"),
            Client(name: "wrong", allow: ["nothing"]),
        ], pools: pools)

    /// Which of the models, in order, a client may call by their own name, through `chat` and through `all`.
    @Test(arguments: [
        ("pooled", [false, false, false], [true, true, true], [false, false, false]),
        ("named", [false, true, false], [false, true, false], [false, true, false]),
        ("mixed", [false, false, false], [true, false, true], [false, false, false]),
        ("denied", [true, false, true], [false, false, false], [true, false, true]),
        ("both", [false, false, false], [false, false, false], [false, false, false]),
        ("plain", [true, false, true], [true, false, true], [true, false, true]),
        ("", [true, false, true], [true, false, true], [true, false, true]),
        ("wrong", [false, false, false], [false, false, false], [false, false, false]),
    ])
    func listsNamePoolsAndModels(client: String, own: [Bool], chat: [Bool], all: [Bool]) {
        let judged = { (pool: Int?) in (0..<3).map { Self.table.mayCall($0, client: client, through: pool) } }
        #expect(judged(nil) == own)
        #expect(judged(0) == chat)
        #expect(judged(1) == all)
    }

    @Test func aPoolIsNoModelOfTheSameNumber() {
        let table = AccessTable(models: Self.models, clients: [Client(name: "c", deny: ["all"])], pools: Self.pools)
        #expect(table.mayCall(1 - 1, client: "c") && table.mayCall(2, client: "c"))
        #expect(!table.mayCall(0, client: "c", through: 1) && table.mayCall(0, client: "c", through: 0))
    }

    @Test func poolsAloneLeaveEverythingOpen() {
        let table = AccessTable(models: [Self.models[0]], clients: [Client(name: "c")], pools: Self.pools)
        #expect(table.isOpen && table.mayCall(0, client: "x", through: 1))
    }
}
