import Catalog
import Foundation
import Kubernetes
import Testing

@testable import Agent

/// Endpoints for which something of the cluster stands.
@Suite struct BackingTests {
    private let service = Backing(.service, namespace: "shop", name: "llama", port: "http")
    private let pool = Backing(.inferencePool, namespace: "shop", name: "pool")

    private func slice(_ addresses: [String]) throws -> EndpointSlice {
        let members = addresses.map { #"{"addresses": ["\#($0)"]}"# }.joined(separator: ",")
        let json =
            #"{"metadata": {"name": "s", "namespace": "shop"}, "addressType": "IPv4", "endpoints": [\#(members)], "ports": [{"name": "http", "port": 80}, {"name": "b", "port": 81}]}"#
        return try JSONDecoder().decode(EndpointSlice.self, from: Data(json.utf8))
    }

    private func inferencePool(_ labels: String) throws -> InferencePool {
        let json =
            #"{"metadata": {"name": "pool"}, "spec": {"selector": {"matchLabels": {\#(labels)}}, "targetPorts": [{"number": 80}]}}"#
        return try JSONDecoder().decode(InferencePool.self, from: Data(json.utf8))
    }

    private func address(_ text: String) throws -> SocketAddress { try #require(SocketAddress(text)) }

    @Test func oneServiceIsFollowedOnceWhateverItsPorts() throws {
        var book = BackingBook(zone: nil)
        let other = Backing(.service, namespace: "shop", name: "llama", port: "b")
        book.adopt([service, pool, other])
        #expect(book.objects == [service.withoutPort, pool])
        #expect(book.backings == Backings(), "nothing is known of anything yet")
        book.take(service.withoutPort, slices: [try slice(["10.0.0.1"])])
        #expect(book.backings.addresses == [service: [try address("10.0.0.1:80")], other: [try address("10.0.0.1:81")]])
        book.take(service.withoutPort, slices: [])
        #expect(book.backings.addresses == [service: [], other: []])
        book.adopt([])
        #expect(book.backings == Backings() && book.objects.isEmpty)
    }

    @Test func whatWasKnownStandsUntilSomethingIsHeard() throws {
        let known = Backings(addresses: [service: [try address("10.0.0.9:80")], pool: [try address("10.0.0.8:80")]])
        var book = BackingBook(zone: nil, former: known)
        book.adopt([service, pool])
        #expect(book.backings == known)
        // The pool is known, its pods are not.
        book.take(pool, pool: try inferencePool(#""app": "a""#))
        #expect(book.selector(of: pool) == "app=a" && book.backings == known)
        book.take(pool, pods: [])
        #expect(book.backings.addresses[pool] == [])
        book.take(service.withoutPort, slices: [try slice(["10.0.0.1"])])
        #expect(book.backings.addresses[service] == [try address("10.0.0.1:80")])
        // A pool that selects nothing, and one that is gone.
        book = BackingBook(zone: nil, former: known)
        book.adopt([pool])
        book.take(pool, pool: try inferencePool(""))
        #expect(book.backings.addresses[pool] == [] && book.selector(of: pool) == nil)
        book.take(pool, pool: nil)
        #expect(book.backings.addresses[pool] == [])
    }

    @Test func theirNumberIsBounded() {
        var book = BackingBook(zone: nil)
        book.adopt((0..<200).map { Backing(.service, namespace: "n", name: "s\($0)") })
        #expect(book.objects.count == BackingBook.maximumObjects && book.beyond.count == 200 - BackingBook.maximumObjects)
    }

    @Test func theyArePutIntoTheCatalogue() throws {
        let backed = Endpoint(host: service.host, port: 0, authority: "llama.shop.svc", backing: service)
        let literal = Endpoint(host: "10.0.0.7", port: 80, authority: "10.0.0.7", addresses: [try address("10.0.0.7:80")])
        let named = Endpoint(host: "engine.test", port: 80, authority: "engine.test")
        let catalog = Catalog(models: [Model(name: "m", endpoints: [backed, literal, named], fallback: [backed])])
        #expect(catalog.backings == [service] && catalog.endpointNames == ["engine.test"])
        let placed = Backings(addresses: [service: [try address("10.0.0.1:81")]]).applied(to: catalog)
        #expect(placed.models[0].endpoints.map(\.addresses.count) == [1, 1, 0])
        #expect(placed.models[0].fallback[0].addresses == [try address("10.0.0.1:81")])
        #expect(placed.models[0].endpoints[0].url == "service://shop/llama:http")
        let vanished = Backings(addresses: [service: []]).applied(to: placed)
        #expect(vanished.models[0].endpoints[0].addresses.isEmpty)
    }
}
