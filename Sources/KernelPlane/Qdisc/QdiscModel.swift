package import Catalog

/// A model that gets a class in the tree.
package struct QdiscModel: Hashable, Sendable {
    /// 1 to 4096; the class is named by it.
    package var slot: UInt32
    package var name: String
    /// What is in force.
    package var qos: QoS

    package init(slot: UInt32, name: String, qos: QoS) {
        self.slot = slot
        self.name = name
        self.qos = qos
    }
}
