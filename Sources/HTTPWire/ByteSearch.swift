extension SIMDMask where Storage == SIMD16<Int8> {
    @inline(__always) var isAnySet: Bool {
        let halves = unsafeBitCast(self, to: SIMD2<UInt64>.self)
        return halves[0] | halves[1] != 0
    }

    /// Index of the first lane that is set; 16: none.
    @inline(__always) var firstSet: Int {
        // A lane is a byte, all ones where it is set.
        let halves = unsafeBitCast(self, to: SIMD2<UInt64>.self)
        let low = UInt64(littleEndian: halves[0])
        if low != 0 { return low.trailingZeroBitCount >> 3 }
        return 8 + UInt64(littleEndian: halves[1]).trailingZeroBitCount >> 3
    }
}

/// Searches by sixteen bytes at a time. Bytes are compared as signed numbers, for which every processor has an
/// instruction: those from 0x80 on are below all others then.
extension Span where Element == UInt8 {
    /// For callers that have made sure of the bounds.
    @inline(__always) func block(at index: Int) -> SIMD16<Int8> {
        bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: SIMD16<Int8>.self)
    }

    /// Index of the first LF at or after `start` that does not end a line with something in it: it has no CR before it,
    /// or nothing before that CR.
    func firstOddLineFeed(from start: Int) -> Int? {
        precondition(start >= 0)
        var index = start
        let feed = SIMD16<Int8>(repeating: 0x0A)
        let carriageReturn = SIMD16<Int8>(repeating: 0x0D)
        while index < count {
            if index >= 2, index <= count - 16 {
                let feeds = block(at: index) .== feed
                let isOdd = (block(at: index - 1) .!= carriageReturn) .| (block(at: index - 2) .== feed)
                let odd = feeds .& isOdd
                if odd.isAnySet { return index + odd.firstSet }
                index += 16
            } else {
                if self[index] == 0x0A, isOddLineFeed(index) { return index }
                index += 1
            }
        }
        return nil
    }

    private func isOddLineFeed(_ index: Int) -> Bool {
        guard index > 0, self[index - 1] == 0x0D else { return true }
        return index == 1 || self[index - 2] == 0x0A
    }

    /// Index of the first byte at or after `start` that is not one of a token; `count` if there is none.
    func endOfToken(from start: Int) -> Int {
        precondition(start >= 0)
        var index = start
        let caseBit = SIMD16<Int8>(repeating: 0x20)
        let beforeA = SIMD16<Int8>(repeating: 0x60)
        let afterZ = SIMD16<Int8>(repeating: 0x7B)
        let hyphen = SIMD16<Int8>(repeating: 0x2D)
        while index < count {
            if index <= count - 16 {
                // What names are made of, letters and hyphens; the rarer bytes are looked at singly below.
                let block = block(at: index)
                let folded = block | caseBit
                let isOther = (folded .<= beforeA) .| (folded .>= afterZ)
                let found = (isOther .& (block .!= hyphen)).firstSet
                index += found
                if found == 16 { continue }
            }
            guard ByteClass.isToken(self[index]) else { return index }
            index += 1
        }
        return index
    }

    /// Index of the first byte at or after `start` that may not stand in a field value; `count` if there is none.
    func endOfFieldContent(from start: Int) -> Int {
        precondition(start >= 0)
        var index = start
        let space = SIMD16<Int8>(repeating: 0x20)
        let delete = SIMD16<Int8>(repeating: 0x7F)
        while index < count {
            if index <= count - 16 {
                let block = block(at: index)
                let found = ((block .< space) .| (block .== delete)).firstSet
                index += found
                if found == 16 { continue }
            }
            guard ByteClass.isFieldContent(self[index]) else { return index }
            index += 1
        }
        return index
    }
}
