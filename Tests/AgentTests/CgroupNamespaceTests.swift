import Testing

@testable import Agent

@Suite struct CgroupNamespaceTests {
    private let pod = CgroupNamespace(root: "/kubepods.slice/pod1/agent.scope")

    @Test func theNodesOwnChangesNothing() {
        let node = CgroupNamespace(root: "/")
        #expect(node.home == nil)
        for path in ["/", "/a", "/a/b"] { #expect(node.absolute(path) == path) }
    }

    @Test func pathsBeginAtTheRootOfTheNamespace() {
        #expect(pod.absolute("/") == "/kubepods.slice/pod1/agent.scope")
        #expect(pod.absolute("/modelbroker/proxy") == "/kubepods.slice/pod1/agent.scope/modelbroker/proxy")
        #expect(pod.absolute("/../other.scope") == "/kubepods.slice/pod1/other.scope")
        #expect(pod.absolute("/../../../modelbroker/proxy") == "/modelbroker/proxy")
        #expect(pod.absolute("/../../..") == "/")
    }

    @Test func noPathLeadsAboveTheHierarchy() {
        #expect(pod.absolute("/../../../../../../a") == "/a")
    }

    @Test func theBrokerIsAtHomeInIt() {
        #expect(pod.home == "/kubepods.slice/pod1/agent.scope/modelbroker")
    }

    @Test func theRootIsWhatProcLeavesOut() {
        #expect(CgroupNamespace(path: "/pods/a", told: "/")?.root == "/pods/a")
        #expect(CgroupNamespace(path: "/pods/a/b", told: "/b")?.root == "/pods/a")
        #expect(CgroupNamespace(path: "/init.scope", told: "/init.scope")?.root == "/")
        #expect(CgroupNamespace(path: "/", told: "/")?.root == "/")
        #expect(CgroupNamespace(path: "/pods/a", told: "/../b") == nil)
    }
}
