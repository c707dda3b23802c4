import Catalog
import Control
import Telemetry
import Testing

/// What stands at the end of a configuration: slots, credentials, slots of accounts; and what bounds every count.
@Suite struct SettingsWireTests {
    /// Slots belong to models by position.
    @Test(arguments: [[1], [1, 2, 3], [UInt32](repeating: 1, count: 4096)])
    func slotsThatAreNotOneForEachModelAreRefused(slots: [UInt32]) {
        var settings = Samples.settings
        settings.slots = slots
        #expect(throws: WireError.invalidValue) { try AgentMessage(decoding: AgentMessage.welcome(settings).encoded()) }
    }

    /// And these to the accounts that the catalogue needs.
    @Test func accountSlotsThatAreNotOneForEachAccountAreRefused() throws {
        var settings = Samples.accessSettings
        let slots = settings.accountSlots
        #expect(slots.count > 2)
        for bad in [[1], Array(slots.dropLast()), slots + [1], slots + slots] {
            settings.accountSlots = bad
            #expect(throws: WireError.invalidValue) { try AgentMessage(decoding: AgentMessage.welcome(settings).encoded()) }
        }
        settings.accountSlots = []
        #expect(try AgentMessage(decoding: AgentMessage.welcome(settings).encoded()) == .welcome(settings))
        settings = Samples.configured(Catalog())
        settings.accountSlots = [0]
        #expect(throws: WireError.invalidValue) { try AgentMessage(decoding: AgentMessage.welcome(settings).encoded()) }
    }

    @Test func aCountOfSlotsThatIsNotThereIsRefused() throws {
        var settings = Samples.settings
        settings.accountSlots = []
        var bytes = AgentMessage.welcome(settings).encoded()
        let count = try #require(bytes.places(of: [2, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0]).only)
        bytes.replaceSubrange(count..<count + 4, with: [0xFF, 0xFF, 0xFF, 0x7F])
        #expect(throws: WireError.countTooLarge(0x7FFF_FFFF)) { try AgentMessage(decoding: bytes) }
        // The first slot is taken for the count of key sets.
        bytes.replaceSubrange(count..<count + 4, with: [0, 0, 0, 0])
        #expect(throws: WireError.countTooLarge(4096)) { try AgentMessage(decoding: bytes) }
    }

    @Test func aCountOfAccountSlotsThatIsNotThereIsRefused() throws {
        var bytes = AgentMessage.welcome(Samples.accessSettings).encoded()
        let size = 4 * Samples.accessSettings.accountSlots.count
        // Behind them, the part of the requests that is sampled, and whether the caller's word goes.
        let count = bytes.count - 10 - size - 4
        bytes.replaceSubrange(count..<count + 4, with: [0xFF, 0xFF, 0xFF, 0x7F])
        #expect(throws: WireError.countTooLarge(0x7FFF_FFFF)) { try AgentMessage(decoding: bytes) }
        bytes.replaceSubrange(count..<count + 4, with: [0, 0, 0, 0])
        #expect(throws: WireError.invalidValue) { try AgentMessage(decoding: bytes) }
    }

    /// A count is refused before anything is read when the rest cannot hold as many of the smallest elements. The five
    /// lists at the end, before the byte that says that nothing is sampled: slots, key sets, certificates, keys, account slots.
    @Test(arguments: [(21, 5), (17, 2), (13, 1), (9, 1), (5, 1)] as [(Int, UInt8)])
    func countsAreBoundedByTheSmallestElement(fromEnd: Int, count: UInt8) throws {
        let message = AgentMessage.configure(Samples.configured(Catalog()))
        var bytes = message.encoded()
        #expect(bytes.suffix(21) == [UInt8](repeating: 0, count: 21))
        bytes[bytes.count - fromEnd] = count
        #expect(throws: WireError.countTooLarge(UInt32(count))) { try AgentMessage(decoding: bytes) }
    }

    /// What bounds a count is what an element takes at least; more would refuse lists of small elements.
    @Test func listsOfTheSmallestElementsRoundTrip() throws {
        let endpoint = Endpoint(host: "", port: 0, authority: "")
        let policy = RoutingPolicy(retry: RetryPolicy(statuses: []))
        let catalog = Catalog(
            node: Node(), models: [Model(name: "", endpoints: Array(repeating: endpoint, count: 1_000), routing: policy)],
            pools: Array(repeating: Pool(name: "", routing: policy), count: 1_000))
        let message = AgentMessage.configure(ProxySettings(generation: 0, catalog: catalog, hostNetnsCookie: 0))
        #expect(try AgentMessage(decoding: message.encoded()) == message)
        let report = ProxyMessage.report(
            id: 0,
            .routing(
                Array(repeating: EndpointRecord(model: "", key: EndpointKey(url: "", address: Samples.v4)), count: 1_000),
                Array(repeating: RouteRecord(name: ""), count: 1_000)))
        #expect(try ProxyMessage(decoding: report.encoded()) == report)
    }

    /// And of what stands around queues.
    @Test func listsOfTheSmallestPartsOfQueuesRoundTrip() throws {
        let key = EndpointKey(url: "", address: Samples.v4)
        let groups = AgentMessage.configure(Samples.configured(Catalog(groups: many(Group(name: "")))))
        #expect(try AgentMessage(decoding: groups.encoded()) == groups)
        let standings = AgentMessage.standings(many(EndpointStanding(key: key)))
        #expect(try AgentMessage(decoding: standings.encoded()) == standings)
        for message in [ProxyMessage.wanted(many(key)), .report(id: 0, .queues(many(QueueRecord(model: "", group: ""))))] {
            #expect(try ProxyMessage(decoding: message.encoded()) == message)
        }
    }

    /// A period that no `Int` holds would come back as another one.
    @Test func aPeriodThatIsTooLongIsRefused() throws {
        let queue = QueuePolicy(comments: 0x0102_0304_0506_0708)
        let settings = Samples.configured(Catalog(groups: [Group(name: "g", queue: queue)]))
        var bytes = AgentMessage.configure(settings).encoded()
        #expect(try AgentMessage(decoding: bytes) == .configure(settings))
        let period = try #require(bytes.places(of: [8, 7, 6, 5, 4, 3, 2, 1]).only)
        bytes[period + 7] = 0x80
        #expect(throws: WireError.invalidValue) { try AgentMessage(decoding: bytes) }
    }

    /// The same of what stands in and beside clients.
    @Test func listsOfTheSmallestPartsOfAccessRoundTrip() throws {
        let key = APIKey(id: "", salt: [], digest: [])
        let client = Client(
            name: "", allow: many(AccessRule(names: [], times: many(TimeWindow()))), keys: many(key),
            tokens: many(TokenMatch(issuer: "", claims: [:])), allowance: Allowance(quotas: many(Quota(0, .cost, per: .day))))
        let listener = SecureListener(address: Samples.v4, certificateFile: "", keyFile: "")
        let issuer = Issuer(name: "", issuer: "", algorithms: [], keys: .file(""))
        let credentials = Credentials(
            keySets: many(KeySet(issuer: "", form: .jwks, document: Secret(""))),
            certificates: many(ListenerCertificate(address: Samples.v4, chain: "", key: Secret(""))),
            keys: many(ManagedKey(client: "", key: key)))
        let catalogs = [
            Catalog(node: Node(secureGateway: many(listener))), Catalog(clients: [client]),
            Catalog(clients: many(Client(name: ""))),
            Catalog(authentication: Authentication(issuers: many(issuer))), Catalog(firewall: many(FirewallRule(name: ""))),
        ]
        for settings in catalogs.map({ Samples.configured($0) }) + [Samples.configured(Catalog(), credentials)] {
            #expect(try AgentMessage(decoding: AgentMessage.configure(settings).encoded()) == .configure(settings))
        }
        var statistics = ProxyStatistics()
        statistics.clients = many(.init(name: "", counters: ClientCounters()))
        statistics.models = many(.init(name: "", inCatalog: false, counters: ModelCounters()))
        let report = ProxyMessage.report(id: 0, .statistics(statistics))
        #expect(try ProxyMessage(decoding: report.encoded()) == report)
    }

    private func many<Element>(_ element: Element) -> [Element] { Array(repeating: element, count: 300) }
}

extension [UInt8] {
    /// Where these bytes begin in it.
    func places(of part: [UInt8]) -> [Int] {
        guard count >= part.count else { return [] }
        return (0...count - part.count).filter { self[$0..<$0 + part.count].elementsEqual(part) }
    }
}

extension Array {
    /// The one element; nil: there is another, or none.
    var only: Element? { count == 1 ? first : nil }
}
