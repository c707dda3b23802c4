internal import CBrokerABI

/// Whose the slots are: for the one agent that a page has, before it says so to anybody. Names are those of `AccountKey`, of
/// any length; what the page can't hold of one stands there as its hash.
extension AccountPage {
    /// The boot whose CLOCK_MONOTONIC a rate's times are of: two words of its id.
    package struct Boot: Hashable, Sendable {
        package var high: UInt64
        package var low: UInt64

        package init(high: UInt64, low: UInt64) {
            self.high = high
            self.low = low
        }
    }

    /// Makes zeroed memory a page without owners.
    package static func format(_ memory: UnsafeMutableRawPointer, count: Int, boot: Boot) {
        precondition((0...limit).contains(count), "slots that no page has")
        let header = memory.bindMemory(to: mb_account_page.self, capacity: 1)
        header.pointee.version = MB_ACCOUNT_VERSION
        header.pointee.count = UInt32(count)
        header.pointee.boot = (boot.high, boot.low)
        header.pointee.suspended = 0
        // A page that was not finished has none.
        mb_word_store(mb_account_magic(header), MB_ACCOUNT_MAGIC)
    }

    private var header: UnsafeMutablePointer<mb_account_page> { memory.assumingMemoryBound(to: mb_account_page.self) }

    /// Says that the page has `count` slots; the file must have room for them, zeroed. It never shrinks.
    package func announce(count: Int) {
        let old = announced
        guard count > old, count <= Self.limit else { return }
        mb_account_announce(header, UInt32(count))
    }

    package var boot: Boot { Boot(high: header.pointee.boot.0, low: header.pointee.boot.1) }

    /// Makes the page one of this boot: times of another's clock mean nothing now, so that rates begin anew. `isRate` says
    /// whose account, by its name in the page, is a rate.
    package func adopt(_ boot: Boot, isRate: (String) -> Bool) {
        guard boot != self.boot else { return }
        for (slot, name) in owned where isRate(name) { refill(slot) }
        header.pointee.boot = (boot.high, boot.low)
    }

    /// Frees the slots whose names are damaged, or are another's as well; how many.
    package func repair() -> Int {
        var seen: Set<String> = []
        var freed = 0
        for slot in slots where tenure(slot) & 1 == 1 {
            if let name = name(slot), seen.insert(name).inserted { continue }
            free(slot)
            freed += 1
        }
        return freed
    }

    /// The slots that have owners, with the names as they stand in the page.
    package var owned: [(slot: UInt32, name: String)] {
        slots.compactMap { slot in name(slot).map { (slot, $0) } }
    }

    /// Gives each name its slot: the one that it has, or a free one. nil: there are not enough, and nothing has changed.
    package func assign(_ names: [String]) -> [UInt32]? {
        let present = Dictionary(owned.map { ($0.name, $0.slot) }) { first, _ in first }
        let missing = Set(names.map(Self.stored)).subtracting(present.keys)
        let free = slots.filter { tenure($0) & 1 == 0 }
        guard missing.count <= free.count else { return nil }
        var (next, given) = (free.makeIterator(), present)
        return names.compactMap { name in
            let stored = Self.stored(name)
            if let slot = given[stored] { return slot }
            guard let slot = next.next() else { return nil }
            give(slot, stored)
            given[stored] = slot
            return slot
        }
    }

    /// Takes the slot from its owner: charges that are still to be settled on it are not.
    package func free(_ slot: UInt32) {
        guard tenure(slot) & 1 == 1 else { return }
        _ = mb_word_add(mb_account_tenure(account(slot)), 1)
    }

    /// Slots without an owner.
    package var freeCount: Int { slots.count { tenure($0) & 1 == 0 } }

    /// The name in the slot; nil if it is free, beyond reach or no name.
    package func name(_ slot: UInt32) -> String? {
        guard tenure(slot) & 1 == 1 else { return nil }
        let bytes = UnsafeRawBufferPointer(start: nameStart(slot), count: Self.nameSize)
        let length = bytes.firstIndex(of: 0) ?? bytes.count
        guard length > 0, bytes[length...].allSatisfy({ $0 == 0 }) else { return nil }
        let text = String(validating: bytes[..<length], as: UTF8.self)
        return text.flatMap { $0.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } ? $0 : nil }
    }

    /// Whether the slot is that of `name`.
    package func holds(_ slot: UInt32, _ name: String) -> Bool { self.name(slot) == Self.stored(name) }

    /// A name as it stands in the page: itself, or of a longer one the beginning and a hash of all.
    package static func stored(_ name: String) -> String {
        guard name.utf8.count > nameSize else { return name }
        let hash = name.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let digits = String(hash, radix: 16)
        var beginning = name.unicodeScalars.prefix(nameSize)
        while beginning.reduce(0, { $0 + UTF8.width($1) }) > nameSize - 17 { beginning = beginning.dropLast() }
        return "\(String(String.UnicodeScalarView(beginning)))~\(String(repeating: "0", count: 16 - digits.count))\(digits)"
    }

    private var slots: Range<UInt32> { 1..<UInt32(count + 1) }

    private func nameStart(_ slot: UInt32) -> UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(account(slot)) + (MemoryLayout<mb_account>.offset(of: \.name) ?? 0)
    }

    /// Nobody charges a slot without an owner, and it has one only once all of it is written.
    private func give(_ slot: UInt32, _ stored: String) {
        let account = account(slot)
        let held = UnsafeMutableRawBufferPointer(start: nameStart(slot), count: Self.nameSize)
        held.initializeMemory(as: UInt8.self, repeating: 0)
        held.copyBytes(from: stored.utf8)
        mb_word_store(mb_account_state(account), 0)
        mb_word_store(mb_account_admitted(account), 0)
        mb_word_store(mb_account_refused(account), 0)
        _ = mb_word_add(mb_account_tenure(account), 1)
    }
}
