/// What the keys and values of a map look like: more than its shape, which only knows their sizes.
package struct MapLayout: Hashable, Sendable {
    /// A part that has no parts itself.
    package struct Leaf: Hashable, Sendable {
        package enum Kind: Character, Sendable {
            case integer = "i"
            /// Text, an address.
            case bytes = "b"
        }

        /// `qos[1].limits[0].burst`; empty: the whole is one integer.
        package var path: String
        /// In bytes.
        package var offset: Int
        package var size: Int
        package var kind: Kind

        package init(_ path: String, _ kind: Kind, offset: Int, size: Int) {
            self.path = path
            self.kind = kind
            self.offset = offset
            self.size = size
        }

        /// Nobody's: its content says nothing, and its name may go to something that does.
        var isPadding: Bool {
            let name = path.split(separator: ".").last ?? ""
            return name.hasPrefix("pad") || name.hasPrefix("spare")
        }
    }

    package var shape: MapShape
    /// Without padding, in the order of their offsets; empty for a map whose keys or values are not described.
    package let key: [Leaf]
    package let value: [Leaf]

    package init(shape: MapShape, key: [Leaf], value: [Leaf]) {
        self.shape = shape
        self.key = key.filter { !$0.isPadding }
        self.value = value.filter { !$0.isPadding }
    }
}
