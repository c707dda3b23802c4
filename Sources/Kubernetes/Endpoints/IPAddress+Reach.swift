internal import Catalog

extension IPAddress {
    /// Neither `0.0.0.0` and `::`, nor a group of many.
    var isReachable: Bool {
        let isMulticast = family == .v4 ? (0xE0...0xEF).contains(byte(0)) : byte(0) == 0xFF
        return !isMulticast && (high != 0 || low != 0)
    }
}
