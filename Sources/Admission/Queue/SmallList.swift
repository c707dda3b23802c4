/// What a list without memory of its own fills its unused places with.
package protocol Blank: Sendable {
    static var blank: Self { get }
}

extension Int32: Blank {
    @inlinable package static var blank: Int32 { -1 }
}

/// A few values without memory of its own. Inlinable: it is made for every request that waits, by other modules.
package struct SmallList<let capacity: Int, Element: Blank>: Sendable {
    @usableFromInline var items: InlineArray<capacity, Element>
    @usableFromInline var filled = 0

    @inlinable package init() { items = InlineArray(repeating: .blank) }

    /// The first values of a sequence, as many as there is room for.
    @inlinable package init(_ elements: some Sequence<Element>) {
        self.init()
        for element in elements where !append(element) { break }
    }

    @inlinable package var count: Int { filled }

    @inlinable package var isEmpty: Bool { filled == 0 }

    /// False: it is full.
    @discardableResult
    @inlinable package mutating func append(_ element: Element) -> Bool {
        guard filled < capacity else { return false }
        items[filled] = element
        filled += 1
        return true
    }

    @inlinable package subscript(index: Int) -> Element {
        precondition(index < count, "beyond the end")
        return items[index]
    }
}

extension SmallList where Element: Equatable {
    @inlinable package func contains(_ element: Element) -> Bool {
        for index in 0..<count where items[index] == element { return true }
        return false
    }
}

extension SmallList: ExpressibleByArrayLiteral {
    @inlinable package init(arrayLiteral elements: Element...) { self.init(elements) }
}
