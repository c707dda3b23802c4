/// A resource's object, reduced to what the broker reads of it. It is decoded from the API server's JSON, and what is kept of
/// it on disk has the same form.
package protocol KubernetesObject: Codable, Hashable, Sendable {
    var metadata: ObjectMeta { get set }
}
