import Catalog
import Identity
import Testing

@Suite struct AccessRuleTests {
    private static let chat = "generation.text-generation.chat-completion"
    static let models = [
        Model(name: "llama-8b", endpoints: [], capabilities: [chat]), Model(name: "llama-70b", endpoints: [], access: .private),
        Model(name: "gpt-4.1", endpoints: [], capabilities: [chat, "custom.thing"]),
        Model(name: "embed", endpoints: [], access: .private, capabilities: ["representation.embeddings.text-embeddings"]),
        Model(name: "chat-internal", endpoints: []),
    ]
    static let pools = [Pool(name: "smart", models: [.init(model: "llama-70b")]), Pool(name: "llama-pool")]

    private func table(allow: [AccessRule]? = nil, deny: [AccessRule] = []) -> AccessTable {
        AccessTable(
            models: Self.models, clients: [Client(name: "other"), Client(name: "c", allow: allow, deny: deny)],
            pools: Self.pools, capabilities: ["custom.thing"])
    }

    private func open(
        _ table: AccessTable, through pool: Int? = nil, _ operation: Operation = .chat, at epoch: Int64 = 0
    ) -> [Int] {
        Self.models.indices.filter { table.mayCall($0, client: 1, through: pool, operation: operation, epoch: epoch) == .yes }
    }

    @Test(arguments: [
        ("llama-*", [0, 1]), ("*", [0, 1, 2, 3, 4]), ("gpt-?.1", [2]), ("GPT-4.1", []), ("llama-8", []),
        // By capability: a path, its last part, an alias, a node above, a pattern of paths.
        (chat, [0, 2]), ("chat-completion", [0, 2]), ("generation", [0, 2]), ("text-embeddings", [3]), ("custom.thing", [2]),
        ("representation.*", [3]), ("generation.*-generation.*", [0, 2]), ("nothing", []),
        // A pattern without a dot is one of names.
        ("chat-*", [4]), ("*embeddings", []), ("*.1", [2]),
    ])
    func namesMean(name: String, expected: [Int]) {
        #expect(open(table(allow: [AccessRule(names: [name])])) == expected)
        let denied = open(table(allow: ["*"], deny: [AccessRule(names: [name])]))
        #expect(denied == Self.models.indices.filter { !expected.contains($0) })
    }

    @Test func patternsMeanPoolsToo() {
        #expect(open(table(allow: ["smar?"]), through: 0) == [0, 1, 2, 3, 4] && open(table(allow: ["smar?"]), through: 1) == [])
        #expect(open(table(allow: ["*"], deny: ["llama-p*"]), through: 1) == [])
    }

    @Test func operationsAreApart() {
        let rules = table(
            allow: [
                AccessRule(names: ["*"], operations: Operations([.embeddings])),
                AccessRule(names: ["llama-8b"], operations: Operations([.chat])),
            ],
            deny: [AccessRule(names: ["gpt-*"], operations: Operations([.embeddings]))])
        #expect(open(rules, .embeddings) == [0, 1, 3, 4] && open(rules, .chat) == [0])
        #expect(open(rules, .list) == [] && open(rules, .other) == [] && open(rules, .admin) == [])
    }

    @Test func administeringIsAllowedByNameOnly() {
        for rules in [table(), table(allow: ["*"]), table(deny: ["gpt-4.1"])] { #expect(open(rules, .admin).isEmpty) }
        let admin = AccessRule(names: ["*"], operations: Operations([.admin]))
        #expect(open(table(allow: [admin]), .admin) == [0, 1, 2, 3, 4] && open(table(allow: [admin])) == [])
        // A denial that names no operation denies this one as well.
        #expect(open(table(allow: [admin], deny: ["llama-*"]), .admin) == [2, 3, 4])
        let judged = { (rules: AccessTable, client: Int) in
            rules.mayCall(-1, client: client, operation: .admin, epoch: 0) == .yes
        }
        #expect(judged(table(allow: [admin]), 1) && !judged(table(allow: [admin]), 0) && !judged(table(allow: [admin]), -1))
        #expect(
            !judged(table(allow: [AccessRule(names: ["llama-*"], operations: Operations([.admin]))]), 1),
            "none of its names is meant")
        #expect(!judged(table(allow: [admin], deny: ["*"]), 1))
        let nobody = AccessTable(models: [Model(name: "m", endpoints: [])], clients: [])
        #expect(nobody.isOpen && nobody.mayCall(0, client: -1, operation: .admin, epoch: 0) != .yes)
        #expect(nobody.mayCall(0, client: 5, operation: .other, epoch: 0) == .yes)
    }

    @Test func strangersHaveWhatIsPublic() {
        let rules = table(allow: ["*"])
        for client in [-1, 0, 7, Int.max, Int.min] {
            let open = (0..<5).filter { rules.mayCall($0, client: client, operation: .chat, epoch: 0) == .yes }
            #expect(open == [0, 2, 4])
            #expect(rules.mayCall(99, client: client, operation: .chat, epoch: 0) == .yes, "what is not there is not private")
        }
        #expect(rules.mayCall(99, client: 1, operation: .chat, epoch: 0) == .yes)
        #expect(table(allow: ["llama-*"]).mayCall(99, client: 1, operation: .chat, epoch: 0) == .no(rule: -1))
        #expect(rules.mayCall(0, client: 1, through: 99, operation: .chat, epoch: 0) == .yes)
    }

    @Test func refusalsNameTheirRule() {
        let rules = table(
            allow: [AccessRule(names: ["gpt-*"], times: [TimeWindow(from: 480, to: 1_080)], name: "by-day"), "llama-*"],
            deny: [
                AccessRule(names: ["*-70b"]),
                AccessRule(names: ["llama-*"], operations: Operations([.embeddings]), name: "no-vectors"),
            ])
        func name(_ model: Int, _ operation: Operation, _ epoch: Int64) -> String? {
            switch rules.mayCall(model, client: 1, operation: operation, epoch: epoch) {
            case .yes: nil
            case .no(let rule): rules.ruleName(rule)
            }
        }
        #expect(name(0, .embeddings, 0) == "no-vectors" && name(0, .chat, 0) == nil)
        #expect(name(1, .embeddings, 0) == "", "the first that closes it has no name")
        #expect(name(2, .chat, 0) == "by-day" && name(2, .chat, 9 * 3_600) == nil && name(3, .chat, 0) == "")
        #expect(rules.ruleName(-1) == "" && rules.ruleName(99) == "")
    }

    @Test func listsHaveWhatCanBeUsed() {
        let listed = { (rules: AccessTable) in (0..<5).filter { rules.mayList($0, client: 1, epoch: 0) } }
        #expect(listed(table()) == [0, 2, 4] && listed(table(allow: ["*"])) == [0, 1, 2, 3, 4])
        #expect(
            listed(table(allow: [AccessRule(names: ["*"], operations: Operations([.list]))])) == [],
            "nothing can be done with them")
        #expect(
            listed(table(allow: [AccessRule(names: ["*"], operations: Operations([.chat]))])) == [0, 1, 2, 3, 4],
            "what may be used may be known")
        #expect(
            listed(table(allow: ["*"], deny: [AccessRule(names: ["*"], operations: Operations([.list]))])) == [],
            "a rule denies listing them")
        #expect(listed(table(allow: [AccessRule(names: ["embed"], operations: Operations([.list, .embeddings]))])) == [3])
        #expect(
            table(allow: [AccessRule(names: ["embed"], operations: Operations([.embeddings]))]).mayUse(3, client: 1, epoch: 0))
    }

    @Test func namesOfClientsDoAsWell() {
        let rules = table(allow: ["llama-*"])
        #expect(rules.mayCall(1, client: "c", operation: .chat, epoch: 0) == .yes && rules.mayCall(1, client: "c"))
        #expect(rules.mayCall(1, client: "other", operation: .chat, epoch: 0) == .no(rule: -1) && !rules.mayCall(1, client: ""))
    }

    /// More models and pools than a word has bits.
    @Test func manyNamesKeepApart() {
        let models = (0..<200).map { Model(name: "m\($0)", endpoints: [], access: .private) }
        let pools = (0..<130).map { Pool(name: "p\($0)") }
        let clients = (0..<200).map {
            Client(name: "c\($0)", allow: [AccessRule(names: ["m\($0)"]), AccessRule(names: ["p\($0)"])])
        }
        let rules = AccessTable(models: models, clients: clients, pools: pools)
        for client in stride(from: 0, to: 200, by: 7) {
            let open = (0..<200).filter { rules.mayCall($0, client: client, operation: .chat, epoch: 0) == .yes }
            #expect(open == [client])
            let through = (0..<130).filter {
                rules.mayCall(199 - client, client: client, through: $0, operation: .chat, epoch: 0) == .yes
            }
            #expect(through == (client < 130 ? [client] : []))
        }
    }
}
