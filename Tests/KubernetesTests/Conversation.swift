import Kubernetes

/// What an API server says of the pods of a node, in full: every field that one of 1.27 or later sends, whether the broker reads
/// it or not. Written here in that form, with what a kubelet says; `Tests/Recorded` has what a real server said.
enum Conversation {
    static let node = "worker-3"
    /// Ids of containers.
    static let prepare = String(repeating: "63fcb8", count: 10) + "abcd"
    static let app = String(repeating: "9d0e41", count: 10) + "abcd"

    /// A list in two pages, as `limit` asks for.
    static let pages = [
        line(
            #"""
            {"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7817","continue":"eyJ2IjoibWV0YSJ9",
            "remainingItemCount":1},"items":[\#(pod("checkout-7d9f-x2x9k", uid("1"), version: "7520", running))]}
            """#),
        line(
            #"""
            {"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7817"},
            "items":[\#(pod("batch-1", uid("2"), version: "7402", finished))]}
            """#),
    ]

    /// What happens then: a pod comes, its containers start one after the other, another goes.
    static let events = [
        event("ADDED", pod("search-0", uid("3"), version: "7901", pending)),
        event("MODIFIED", pod("search-0", uid("3"), version: "7944", starting)),
        event("MODIFIED", pod("search-0", uid("3"), version: "7951", running)),
        event(
            "MODIFIED",
            pod(
                "batch-1", uid("2"), version: "7960", finished,
                meta: #""deletionTimestamp":"2026-11-20T10:05:00Z","deletionGracePeriodSeconds":30,"#)),
        event("DELETED", pod("batch-1", uid("2"), version: "7961", finished)),
    ]

    static let bookmark = event(
        "BOOKMARK",
        line(
            #"""
            {"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"8123","creationTimestamp":null},
            "spec":{"containers":null},"status":{}}
            """#))

    static let gone = event(
        "ERROR",
        line(
            #"""
            {"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",
            "message":"too old resource version: 8123 (9001)","reason":"Expired","code":410}
            """#))

    static func uid(_ digit: String) -> String { "2c5e7503-d9a8-43d2-8281-4d186e552c3" + digit }

    private static func event(_ type: String, _ object: String) -> String { #"{"type":"\#(type)","object":\#(object)}"# + "\n" }

    /// As the server sends it: in one line.
    private static func line(_ text: String) -> String { text.split(separator: "\n").joined() }

    /// - Parameter meta: members of the metadata.
    private static func pod(
        _ name: String, _ uid: String, version: String, _ status: String, meta: String = ""
    ) -> String {
        line(
            #"""
            {"kind":"Pod","apiVersion":"v1","metadata":{"name":"\#(name)","generateName":"r-","namespace":"shop","uid":"\#(uid)",
            "resourceVersion":"\#(version)","generation":1,"creationTimestamp":"2026-11-20T10:00:00Z",\#(meta)
            "labels":{"app.kubernetes.io/name":"\#(name)","pod-template-hash":"7d9f"},
            "annotations":{"kubectl.kubernetes.io/last-applied-configuration":
            "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"creationTimestamp\":null}}\n",
            "modelbroker.io/capture":"enabled"},
            "ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"r","uid":"\#(uid)","controller":true}],
            "managedFields":[\#(managed)]},"spec":\#(spec),"status":\#(status)}
            """#)
    }

    private static let managed = line(
        #"""
        {"manager":"kubelet","operation":"Update","apiVersion":"v1","time":"2026-11-20T10:00:03Z","fieldsType":"FieldsV1",
        "fieldsV1":{"f:status":{"f:conditions":{"k:{\"type\":\"Ready\"}":{".":{},"f:status":{},"f:type":{}}},
        "f:containerStatuses":{},"f:podIPs":{".":{},"k:{\"ip\":\"10.244.0.8\"}":{".":{},"f:ip":{}}}}},"subresource":"status"}
        """#)

    private static let spec = line(
        #"""
        {"volumes":[{"name":"kube-api-access-j6ndf","projected":{"sources":[
        {"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},{"downwardAPI":{"items":[
        {"path":"namespace","fieldRef":{"apiVersion":"v1","fieldPath":"metadata.namespace"}}]}}],"defaultMode":420}}],
        "initContainers":[{"name":"prepare","image":"prepare:1","resources":{}}],
        "containers":[{"name":"app","image":"app:1","resources":{"limits":{"cpu":"1"}},"volumeMounts":[
        {"name":"kube-api-access-j6ndf","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}],
        "terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"Always"}],
        "restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","serviceAccountName":"till",
        "serviceAccount":"till","nodeName":"\#(node)","securityContext":{},"schedulerName":"default-scheduler","tolerations":[
        {"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}],
        "priority":0,"enableServiceLinks":true,"preemptionPolicy":"PreemptLowerPriority"}
        """#)

    private static let conditions = line(
        #"""
        "conditions":[{"type":"Ready","status":"True","lastProbeTime":null,"lastTransitionTime":"2026-11-20T10:00:03Z"}],
        "hostIP":"172.20.0.2","hostIPs":[{"ip":"172.20.0.2"}],"qosClass":"Burstable","startTime":"2026-11-20T10:00:00Z"
        """#)

    /// Bound to its node, and nothing else.
    private static let pending = #"{"phase":"Pending",\#(conditions)}"#

    /// The first container runs, the next is not made yet.
    private static let starting = line(
        #"""
        {"phase":"Pending",\#(conditions),"initContainerStatuses":[{"name":"prepare","state":{"running":
        {"startedAt":"2026-11-20T10:00:01Z"}},"lastState":{},"ready":false,"restartCount":0,"image":"prepare:1","imageID":"",
        "containerID":"containerd://\#(prepare)","started":true}],"containerStatuses":[{"name":"app","state":{"waiting":
        {"reason":"PodInitializing"}},"lastState":{},"ready":false,"restartCount":0,"image":"app:1","imageID":"",
        "started":false}]}
        """#)

    private static let running = line(
        #"""
        {"phase":"Running",\#(conditions),"podIP":"10.244.0.8","podIPs":[{"ip":"10.244.0.8"}],"initContainerStatuses":[
        {"name":"prepare","state":{"terminated":{"exitCode":0,"reason":"Completed","containerID":"containerd://\#(prepare)"}},
        "lastState":{},"ready":true,"restartCount":0,"containerID":"containerd://\#(prepare)"}],"containerStatuses":[
        {"name":"app","state":{"running":{"startedAt":"2026-11-20T10:00:02Z"}},"lastState":{},"ready":true,"restartCount":0,
        "image":"app:1","imageID":"app@sha256:add4","containerID":"containerd://\#(app)","started":true}]}
        """#)

    private static let finished = #"{"phase":"Succeeded",\#(conditions),"reason":"Completed"}"#
}
