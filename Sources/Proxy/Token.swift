/// What an epoll event or a timer belongs to: a kind, a slot, and a generation that tells a slot's present holder from
/// the one before.
struct Token: Hashable {
    enum Kind: UInt64 { case client = 0, upstream = 1, listener = 2, mailbox = 3 }

    let raw: UInt64

    init(_ kind: Kind, slot: Int, generation: UInt32 = 0) {
        raw = kind.rawValue << 62 | UInt64(generation & 0x3FFF_FFFF) << 32 | UInt64(UInt32(truncatingIfNeeded: slot))
    }

    init(raw: UInt64) { self.raw = raw }

    var kind: Kind { Kind(rawValue: raw >> 62) ?? .mailbox }
    var slot: Int { Int(raw & 0xFFFF_FFFF) }
}

/// Objects by slot, slots used again.
struct Slab<Element: AnyObject> {
    private var elements: [Element?] = []
    private var generations: [UInt32] = []
    private var free: [Int] = []
    private(set) var count = 0

    /// Takes a slot; `store` puts an element into it.
    mutating func reserve(_ kind: Token.Kind) -> Token {
        let slot = free.popLast() ?? elements.count
        if slot == elements.count {
            elements.append(nil)
            generations.append(0)
        }
        generations[slot] &+= 1
        return Token(kind, slot: slot, generation: generations[slot])
    }

    mutating func store(_ element: Element, _ token: Token) {
        elements[token.slot] = element
        count += 1
    }

    mutating func remove(_ token: Token) {
        guard elements[token.slot] != nil else { return }
        elements[token.slot] = nil
        free.append(token.slot)
        count -= 1
    }

    /// What stands in the token's slot; the caller compares tokens where a former holder's event may come late.
    subscript(token: Token) -> Element? { token.slot < elements.count ? elements[token.slot] : nil }

    func forEach(_ body: (Element) -> Void) {
        for case let element? in elements { body(element) }
    }
}
