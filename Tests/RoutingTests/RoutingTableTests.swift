import Catalog
import Routing
import Testing

@Suite struct RoutingTableTests {
    @Test func findsNamesByTheirBytes() {
        let names = (0..<5000).map { "model-\($0)" }
        let table = NameTable(names)
        #expect(table.count == names.count)
        for (number, name) in names.enumerated() {
            let bytes = Array(name.utf8)
            #expect(table.find(bytes.span) == number)
        }
        for missing in ["", "model-", "model-5000", "Model-1"] {
            let bytes = Array(missing.utf8)
            #expect(table.find(bytes.span) == nil)
        }
    }

    @Test func aNameHasOneNumber() {
        var table = NameTable()
        let name = Array("é".utf8)
        #expect(table.insert(name.span) == 0 && table.insert(name.span) == 0)
        #expect(table.count == 1 && table.name(0) == "é")
    }

    @Test func turnsAreTakenEvenly() {
        var turns = RoundRobin(modelCount: 2)
        var counts = [0, 0, 0]
        for _ in 0..<300 { counts[turns.take(1, of: 3)] += 1 }
        #expect(counts == [100, 100, 100])
        #expect(turns.take(0, of: 1) == 0)
        // A target less than before is no trouble.
        #expect(turns.take(1, of: 2) < 2)
    }

    @Test func flattensEndpointsToAddresses() throws {
        let addresses = try ["127.0.0.1:1", "[::1]:2"].map { try #require(SocketAddress($0)) }
        let endpoint = Endpoint(host: "e", port: 1, authority: "e:1", pathPrefix: "/p", addresses: addresses)
        let table = RoutingTable([Model(name: "m", endpoints: [endpoint, endpoint])])
        #expect(table.targetCount(0) == 4)
        #expect(table.target(0, 3).address == addresses[1])
        #expect(table.target(0, 0).pathPrefix == Array("/p".utf8))
    }
}
