import Kubernetes
import Testing

@Suite struct ResourceTests {
    @Test func keepsAStoreForTheNextTime() throws {
        var store = ResourceStore<Thing>(maximumObjects: 10)
        store.put(Thing(metadata: ObjectMeta(name: "a", namespace: "x", uid: "1", labels: ["k": "v"]), spec: .init(size: 4)))
        store.put(Thing(metadata: ObjectMeta(name: "b", isEnding: true)))
        let again = try ResourceStore<Thing>(maximumObjects: 10, snapshot: try store.snapshot())
        #expect(again.sorted == store.sorted)
        let few = try ResourceStore<Thing>(maximumObjects: 1, snapshot: try store.snapshot())
        #expect(few.sorted.count == 1)
    }

    @Test(arguments: ["", "{", "[]", #"{"items":3}"#, #"{"items":[{"metadata":{}}]}"#])
    func refusesOtherFiles(text: String) {
        #expect(throws: KubernetesFault.self) { try ResourceStore<Thing>(maximumObjects: 1, snapshot: Array(text.utf8)) }
    }

    @Test func namesOneObject() {
        let key = ObjectKey(namespace: "shop", name: "a b")
        #expect(Thing.query.path(of: key) == "/apis/test.io/v1/namespaces/shop/things/a%20b")
        #expect(Namespace.query.path(of: ObjectKey(namespace: "", name: "x")) == "/api/v1/namespaces/x")
        let inside = ResourceQuery(group: "", version: "v1", plural: "pods", namespace: "shop")
        #expect(inside.path(of: key) == "/api/v1/namespaces/shop/pods/a%20b")
        #expect(
            Pod.query(node: "n1").list(version: nil, limit: nil, continuing: nil)
                == "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1")
    }

    @Test func readsStatusesOfAllKinds() {
        #expect(APIStatus(code: 410, body: []).isGone)
        #expect(APIStatus(code: 500, body: Array("no JSON".utf8)).text == "status 500")
        let hostile = #"{"reason":"R","message":"a\u0007\nb","details":{"retryAfterSeconds":"soon"}}"#
        #expect(APIStatus(code: 500, body: Array(hostile.utf8)).text == "status 500 R: ab")
        let long = #"{"message":"\#(String(repeating: "x", count: 5_000))"}"#
        #expect(APIStatus(code: 500, body: Array(long.utf8)).text.utf8.count == 300)
    }
}
