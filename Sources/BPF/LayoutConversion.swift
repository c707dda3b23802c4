/// How bytes of one layout become bytes of another: part by part, by their names. Pure.
package struct LayoutConversion: Hashable, Sendable {
    /// A part that both have.
    package struct Move: Hashable, Sendable {
        package var path: String
        package var from: Int
        package var to: Int
        package var size: Int
    }

    package let moves: [Move]
    /// Bytes of the new layout.
    private let size: Int

    /// Why there is none.
    package struct Impossible: Error, Hashable, Sendable {
        package let reason: String

        package init(reason: String) { self.reason = reason }
    }

    /// Parts that are new are zero, parts that are gone are dropped, and an integer may have become wider.
    package init(from old: [MapLayout.Leaf], to new: [MapLayout.Leaf], size: Int) throws(Impossible) {
        let known = Dictionary(old.map { ($0.path, $0) }) { first, _ in first }
        var moves: [Move] = []
        for leaf in new {
            guard let before = known[leaf.path] else { continue }
            guard before.kind == leaf.kind else { throw Impossible(reason: "\(leaf.path) has become something else") }
            guard before.size <= leaf.size else {
                throw Impossible(reason: "\(leaf.path) has \(before.size) bytes and would have to go into \(leaf.size)")
            }
            // Little-endian on every machine this runs on: a wider integer begins with the bytes of the narrow one.
            moves.append(Move(path: leaf.path, from: before.offset, to: leaf.offset, size: before.size))
        }
        self.moves = moves
        self.size = size
    }

    /// - Parameter bytes: of the old layout; what is missing at their end counts as zero.
    package func convert(_ bytes: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: size)
        for move in moves {
            for index in 0..<move.size where move.from + index < bytes.count && move.to + index < size {
                result[move.to + index] = bytes[move.from + index]
            }
        }
        return result
    }
}
