extension SIMDMask where Storage == SIMD16<Int8> {
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
    @inline(__always) func block(at index: Int) -> SIMD16<Int8> {
        bytes.unsafeLoadUnaligned(fromByteOffset: index, as: SIMD16<Int8>.self)
    }

    /// Index of the first LF at or after `start`.
    func firstLineFeed(from start: Int) -> Int? {
        var index = start
        let feed = SIMD16<Int8>(repeating: 0x0A)
        while index <= count - 16 {
            let found = (block(at: index) .== feed).firstSet
            if found < 16 { return index + found }
            index += 16
        }
        while index < count {
            if self[index] == 0x0A { return index }
            index += 1
        }
        return nil
    }

    /// Index of the first byte at or after `start` that is not one of a token; `count` if there is none.
    func endOfToken(from start: Int) -> Int {
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

    /// Index of the first byte that is not plain text inside a JSON string: a quote, a backslash, a control character or
    /// a byte of a multi-byte character.
    func endOfPlainText(from start: Int, to end: Int) -> Int {
        var index = start
        let quote = SIMD16<Int8>(repeating: 0x22)
        let backslash = SIMD16<Int8>(repeating: 0x5C)
        let space = SIMD16<Int8>(repeating: 0x20)
        while index + 16 <= end {
            let block = block(at: index)
            let found = ((block .< space) .| (block .== quote) .| (block .== backslash)).firstSet
            if found < 16 { return index + found }
            index += 16
        }
        while index < end {
            let byte = self[index]
            if byte == 0x22 || byte == 0x5C || byte < 0x20 || byte >= 0x80 { return index }
            index += 1
        }
        return end
    }
}
