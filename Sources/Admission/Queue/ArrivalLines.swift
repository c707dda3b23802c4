/// The lines in front of the endpoints: ordered by arrival, in memory that is used again. Each line is a treap (Seidel and
/// Aragon, 1996), so that to come, to leave and to find the first or the last takes a time that grows with the logarithm of
/// its length, wherever in it: who comes back after a failed try has an old arrival.
struct ArrivalLines: Sendable {
    static let none: Int32 = -1

    struct Place: Sendable {
        var ticket: UInt32
        var gate: Int32
        var arrival: UInt64
        /// Between those who came at once.
        var order: UInt64
        /// The next place of the same ticket, or the next free one.
        var sibling: Int32
        fileprivate var left = ArrivalLines.none
        fileprivate var right = ArrivalLines.none
        fileprivate var rank: UInt32
    }

    private var places: [Place] = []
    private var free = none

    subscript(place: Int32) -> Place { places[Int(place)] }

    /// Places in use and free ones: it never shrinks.
    var capacity: Int { places.count }

    // MARK: - Places

    mutating func make(ticket: UInt32, gate: Int32, arrival: UInt64, order: UInt64, sibling: Int32) -> Int32 {
        let place = Place(
            ticket: ticket, gate: gate, arrival: arrival, order: order, sibling: sibling,
            rank: Self.rank(order, UInt64(UInt32(bitPattern: gate))))
        guard free != Self.none else {
            places.append(place)
            return Int32(places.count - 1)
        }
        let index = free
        free = places[Int(index)].sibling
        places[Int(index)] = place
        return index
    }

    mutating func release(_ place: Int32) {
        places[Int(place)].sibling = free
        free = place
    }

    // MARK: - Lines, each known by its root

    mutating func insert(_ place: Int32, under root: inout Int32) {
        var parent = Self.none
        var goesLeft = false
        var current = root
        while current != Self.none, places[Int(current)].rank >= places[Int(place)].rank {
            (parent, goesLeft) = (current, isBefore(place, current))
            current = goesLeft ? places[Int(current)].left : places[Int(current)].right
        }
        split(current, at: place)
        attach(place, to: parent, goesLeft, &root)
    }

    mutating func remove(_ place: Int32, under root: inout Int32) {
        var parent = Self.none
        var goesLeft = false
        var current = root
        while current != place {
            precondition(current != Self.none, "not in this line")
            (parent, goesLeft) = (current, isBefore(place, current))
            current = goesLeft ? places[Int(current)].left : places[Int(current)].right
        }
        let rest = merge(places[Int(place)].left, places[Int(place)].right)
        attach(rest, to: parent, goesLeft, &root)
    }

    /// The place that came first; -1: nobody waits.
    func first(_ root: Int32) -> Int32 {
        var current = root
        while current != Self.none, places[Int(current)].left != Self.none { current = places[Int(current)].left }
        return current
    }

    /// The place that came last; -1: nobody waits.
    func last(_ root: Int32) -> Int32 {
        var current = root
        while current != Self.none, places[Int(current)].right != Self.none { current = places[Int(current)].right }
        return current
    }

    /// Whether the first came before the second.
    func isBefore(_ first: Int32, _ second: Int32) -> Bool {
        let (one, other) = (places[Int(first)], places[Int(second)])
        return (one.arrival, one.order) < (other.arrival, other.order)
    }

    // MARK: - Trees

    private mutating func attach(_ child: Int32, to parent: Int32, _ goesLeft: Bool, _ root: inout Int32) {
        if parent == Self.none {
            root = child
        } else if goesLeft {
            places[Int(parent)].left = child
        } else {
            places[Int(parent)].right = child
        }
    }

    /// Makes what came before the place its left side, and what came after its right one.
    private mutating func split(_ tree: Int32, at place: Int32) {
        var (before, after) = (Self.none, Self.none)
        var current = tree
        places[Int(place)].left = Self.none
        places[Int(place)].right = Self.none
        while current != Self.none {
            if isBefore(current, place) {
                if before == Self.none { places[Int(place)].left = current } else { places[Int(before)].right = current }
                before = current
                current = places[Int(current)].right
            } else {
                if after == Self.none { places[Int(place)].right = current } else { places[Int(after)].left = current }
                after = current
                current = places[Int(current)].left
            }
        }
        if before != Self.none { places[Int(before)].right = Self.none }
        if after != Self.none { places[Int(after)].left = Self.none }
    }

    /// One tree of two, of which all of the first came before all of the second.
    private mutating func merge(_ first: Int32, _ second: Int32) -> Int32 {
        var (one, other) = (first, second)
        var (root, parent) = (Self.none, Self.none)
        var goesLeft = false
        while one != Self.none, other != Self.none {
            if places[Int(one)].rank >= places[Int(other)].rank {
                attach(one, to: parent, goesLeft, &root)
                (parent, goesLeft) = (one, false)
                one = places[Int(one)].right
            } else {
                attach(other, to: parent, goesLeft, &root)
                (parent, goesLeft) = (other, true)
                other = places[Int(other)].left
            }
        }
        attach(one != Self.none ? one : other, to: parent, goesLeft, &root)
        return root
    }

    /// Chance enough to keep the trees flat, and the same in every run.
    private static func rank(_ order: UInt64, _ gate: UInt64) -> UInt32 {
        var mixed = (order &* 0x9E37_79B9_7F4A_7C15) ^ (gate &* 0xC2B2_AE3D_27D4_EB4F)
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return UInt32(truncatingIfNeeded: mixed >> 32)
    }
}
