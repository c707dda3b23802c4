/// Finds what somebody meant who wrote something almost right.
package enum NearMiss {
    /// The candidate that differs from `text` only in case or separators, or by an edit or two; nil: none is near.
    package static func nearest(to text: String, among candidates: [String]) -> String? {
        guard text.utf8.count <= 64 else { return nil }
        let wanted = folded(text)
        let allowed = wanted.count <= 3 ? 1 : 2
        let distances = candidates.map { (candidate: $0, distance: distance(wanted, folded($0))) }
        guard let best = distances.min(by: { $0.distance < $1.distance }), best.distance <= allowed else { return nil }
        // Two edits turn any short word into any other one.
        return best.distance < best.candidate.utf8.count ? best.candidate : nil
    }

    private static func folded(_ text: String) -> [Character] {
        text.lowercased().filter { $0 != "-" && $0 != "_" }
    }

    /// Insertions, deletions, replacements and swaps of neighbours that turn one into the other.
    private static func distance(_ from: [Character], _ to: [Character]) -> Int {
        var beforePrevious: [Int] = []
        var previous = Array(0...to.count)
        for row in 0..<from.count {
            var current = [row + 1]
            for column in 0..<to.count {
                let replaced = previous[column] + (from[row] == to[column] ? 0 : 1)
                var best = min(replaced, previous[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, from[row] == to[column - 1], from[row - 1] == to[column] {
                    best = min(best, beforePrevious[column - 1] + 1)
                }
                current.append(best)
            }
            (beforePrevious, previous) = (previous, current)
        }
        return previous[to.count]
    }
}
