import Admission
import Testing

@Suite struct JournalTests {
    private static let names = [
        "day.tokens client=a", "month.cost client=a model=m", "day.requests model=é",
    ]

    /// A journal as one that grows: which records, and how many bytes there were behind each.
    private struct Sample {
        var bytes = JournalCodec.header
        var records: [JournalRecord] = []
        var ends: [Int] = [JournalCodec.header.count]
        /// What the state was behind each.
        var states: [JournalState] = [JournalState()]

        init(seed: UInt64, count: Int) {
            var random = SplitMix(state: seed)
            var state = JournalState()
            var words = [QuotaWord](repeating: QuotaWord(period: 20_000, used: 0), count: names.count)
            for time in 0..<count {
                let index = Int.random(in: 0..<names.count, using: &random)
                let isSet = Int.random(in: 0..<8, using: &random) == 0
                let isNext = Int.random(in: 0..<6, using: &random) == 0
                let period = words[index].period + (isNext ? 1 : 0)
                words[index] =
                    isSet
                    ? QuotaWord(period: period, used: 0)
                    : words[index].adding(UInt64.random(in: 1...1 << 40, using: &random), in: period)
                let record =
                    isSet
                    ? state.set(names[index], words[index], time: Int64(time))
                    : state.note(names[index], words[index], time: Int64(time))
                guard let record else { continue }
                records.append(record)
                JournalCodec.append(record, to: &bytes)
                ends.append(bytes.count)
                states.append(state)
            }
        }

        /// The largest word that a name ever had.
        func largest(_ name: String) -> QuotaWord? {
            records.filter { $0.name == name }.map(\.word).max()
        }
    }

    @Test func whatIsWrittenIsRead() {
        let sample = Sample(seed: 1, count: 200)
        let reading = JournalCodec.decode(sample.bytes)
        #expect(reading.records == sample.records && sample.records.count > 150)
        #expect(reading.length == sample.bytes.count && reading.damaged == 0 && !reading.isForeign)
        #expect(JournalState(reading.records) == sample.states.last)
    }

    @Test func theBytesAreThese() {
        let record = JournalRecord(.used, "ab", QuotaWord(period: 0x0102, used: 0x0304), time: 5)
        let bytes = JournalCodec.encode(record)
        let expected: [UInt8] = [
            0x4D, 0x42, 0x4A, 0x52, 1, 0, 2, 0, 4, 3, 0, 0, 0, 0, 2, 1, 5, 0, 0, 0, 0, 0, 0, 0, 0x61,
            0x62,
        ]
        #expect(Array(bytes.dropLast(4)) == expected && bytes.count == JournalCodec.size(of: record))
        #expect(JournalCodec.decode(JournalCodec.header + bytes).records == [record])
    }

    /// RFC 3720, appendix B.4: 32 bytes of zeros, of ones, and rising.
    @Test func theChecksumIsCastagnolis() {
        #expect(CRC32C.sum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(CRC32C.sum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(CRC32C.sum(0..<32 as Range<UInt8>) == 0x46DD_794E)
        #expect(CRC32C.sum("123456789".utf8) == 0xE306_9283)
    }

    /// Every prefix gives exactly the records that are whole in it.
    @Test(arguments: 0..<4 as Range<UInt64>) func cutAnywhereOnlyTheTailIsLost(seed: UInt64) {
        let sample = Sample(seed: seed, count: 40)
        for cut in 0...sample.bytes.count {
            let reading = JournalCodec.decode(Array(sample.bytes[..<cut]))
            let whole = sample.ends.lastIndex { $0 <= cut }
            #expect(reading.records.count == whole ?? 0 && !reading.isForeign && reading.damaged == 0)
            #expect(reading.length == whole.map { sample.ends[$0] } ?? 0)
            #expect(JournalState(reading.records) == sample.states[whole ?? 0])
        }
    }

    /// What was cut off is written over or behind: neither spoils what comes.
    @Test func writingGoesOnBehindATornTail() {
        let sample = Sample(seed: 5, count: 12)
        let more = JournalRecord(.used, "z", QuotaWord(period: 1, used: 1), time: 1)
        for cut in JournalCodec.header.count...sample.bytes.count {
            let torn = Array(sample.bytes[..<cut])
            let before = JournalCodec.decode(torn)
            let after = JournalCodec.decode(torn + JournalCodec.encode(more))
            #expect(after.records == before.records + [more])
            #expect(after.damaged == cut - before.length)
        }
    }

    /// A bit that is wrong costs the record that it is in, and no other; never is there more than was ever written.
    @Test(arguments: 0..<3 as Range<UInt64>) func aWrongBitCostsOneRecord(seed: UInt64) {
        let sample = Sample(seed: seed &+ 10, count: 12)
        for bit in 0..<sample.bytes.count * 8 {
            var bytes = sample.bytes
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            let reading = JournalCodec.decode(bytes)
            guard bit / 8 >= JournalCodec.header.count else {
                #expect(reading.isForeign && reading.records.isEmpty)
                continue
            }
            let hit = (sample.ends.firstIndex { $0 > bit / 8 } ?? 0) - 1
            var expected = sample.records
            expected.remove(at: hit)
            #expect(reading.records == expected)
        }
    }

    @Test(arguments: 0..<200 as Range<UInt64>) func rubbishNeverRaisesAnything(seed: UInt64) {
        let sample = Sample(seed: seed &+ 100, count: 30)
        var random = SplitMix(state: seed)
        var bytes = sample.bytes
        for _ in 0..<Int.random(in: 1...40, using: &random) {
            let place = Int.random(in: 8..<bytes.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[place] = random.next()
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(random.next(), at: place)
            default: bytes.removeSubrange(place..<min(bytes.count, place + 30))
            }
        }
        let reading = JournalCodec.decode(bytes)
        #expect(reading.length <= bytes.count)
        for (name, word) in JournalState(reading.records).words {
            #expect(sample.largest(name).map { word <= $0 } == true)
        }
        #expect(reading.records.allSatisfy { sample.records.contains($0) })
    }

    @Test(arguments: [[], [0x4D], Array("MBJRNL1".utf8)] as [[UInt8]])
    func aHeaderThatIsCutOffIsOfNoRecords(bytes: [UInt8]) {
        #expect(JournalCodec.decode(bytes) == JournalCodec.Reading())
    }

    @Test(arguments: [[0], Array("MBJRNL2\n".utf8), Array("{\"a\":1}\n".utf8)] as [[UInt8]])
    func anotherFileIsForeign(bytes: [UInt8]) {
        let reading = JournalCodec.decode(bytes)
        #expect(reading.isForeign && reading.length == 0)
    }

    @Test func namesThatDoNotFitAreNotWritten() {
        for name in ["", String(repeating: "n", count: 65_536)] {
            #expect(
                JournalCodec.encode(JournalRecord(.used, name, QuotaWord(rawValue: 1), time: 0)).isEmpty)
        }
        let long = JournalRecord(
            .set, String(repeating: "n", count: 65_535), QuotaWord(rawValue: 1), time: -1)
        #expect(JournalCodec.decode(JournalCodec.header + JournalCodec.encode(long)).records == [long])
    }

    // MARK: - State

    @Test func theLargerWordCountsUnlessItIsSet() {
        var state = JournalState()
        func word(_ period: UInt16, _ used: UInt64) -> QuotaWord {
            QuotaWord(period: period, used: used)
        }
        #expect(
            state.note("a", word(5, 0), time: 0) != nil
                && state.note("b", QuotaWord(rawValue: 0), time: 0) == nil)
        #expect(state.note("a", word(5, 7), time: 0)?.kind == .used)
        #expect(
            state.note("a", word(5, 7), time: 0) == nil && state.note("a", word(5, 6), time: 0) == nil)
        #expect(state.note("a", word(4, 99), time: 0) == nil && state.words["a"] == word(5, 7))
        #expect(state.set("a", word(5, 0), time: 0).kind == .set && state.words["a"] == word(5, 0))
        #expect(state.note("a", word(6, 0), time: 0) != nil)
        // A journal that somebody else has written may say anything.
        for record in [JournalRecord(.used, "a", word(5, 9), time: 1), JournalRecord(.used, "a", word(6, 0), time: 2)] {
            state.apply(record)
            #expect(state.words["a"] == word(6, 0))
        }
    }

    /// A day ahead by mistake, in which something is used, and back: all of it was used today.
    @Test func aClockThatWasAheadTakesWhatWasUsedAlong() {
        var state = JournalState()
        func word(_ period: UInt16, _ used: UInt64) -> QuotaWord { QuotaWord(period: period, used: used) }
        _ = state.note("a", word(5, 70), time: 0)
        #expect(state.moved("a", word(5, 70), to: 5) == nil && state.moved("a", word(5, 70), to: 6) == nil)
        _ = state.note("a", word(9, 3), time: 0)
        #expect(state.moved("a", word(9, 3), to: 9) == nil)
        #expect(state.moved("a", word(9, 4), to: 5) == word(5, 74))
        #expect(state.moved("a", word(9, 4), to: 5, join: max) == word(5, 70))
        #expect(state.moved("a", word(9, 4), to: 6) == word(6, 4), "nothing is known of that day")
        _ = state.set("a", word(5, 74), time: 0)
        #expect(state.moved("a", word(5, 74), to: 5) == nil, "once")
        #expect(state.moved("a", word(5, 74), to: 9) == nil, "what was taken along is not used there any more")
    }

    /// In 1970 until the time is known, as a machine without a battery: what is used today is found again.
    @Test func aClockThatComesBackFindsWhatWasUsed() {
        func word(_ period: UInt16, _ used: UInt64) -> QuotaWord { QuotaWord(period: period, used: used) }
        for isSeenFirst in [false, true] {
            var state = JournalState()
            _ = state.note("a", word(9, 70), time: 0)
            #expect(state.moved("a", word(9, 70), to: 0) == word(0, 70), "nobody gets more by setting the clock back")
            _ = state.set("a", word(0, 70), time: 0)
            #expect(state.moved("a", word(0, 70), to: 9) == word(9, 70))
            _ = state.note("a", word(0, 75), time: 0)
            if isSeenFirst { _ = state.note("a", word(9, 2), time: 0) }
            let bytes = state.snapshot(time: 0)
            #expect(JournalState(JournalCodec.decode(bytes).records).words["a"]?.used == 75)
            let expected = word(9, isSeenFirst ? 77 : 75)
            #expect(state.moved("a", isSeenFirst ? word(9, 2) : word(0, 75), to: 9) == expected)
            _ = state.set("a", expected, time: 0)
            #expect(state.moved("a", expected, to: 9) == nil)
        }
    }

    @Test func aSnapshotSaysTheSame() {
        let sample = Sample(seed: 77, count: 500)
        var state = JournalState(sample.records)
        let bytes = state.snapshot(time: 3)
        #expect(JournalState(JournalCodec.decode(bytes).records) == state)
        #expect(bytes.count == state.liveSize && bytes.count < sample.bytes.count / 10)
        state.forget { name, _ in name == Self.names[0] }
        #expect(state.snapshot(time: 3).count == state.liveSize && state.words.count == 2)
        #expect(JournalState().snapshot(time: 0) == JournalCodec.header && JournalState().liveSize == 8)
    }

    @Test func aJournalIsCompactedWhenItIsLargeAndMostlyOld() {
        var state = JournalState()
        #expect(!state.needsCompaction(size: 4 << 20) && state.needsCompaction(size: (4 << 20) + 1))
        for number in 0..<40_000 {
            _ = state.set("day.tokens client=some-client-\(number)", QuotaWord(rawValue: 1), time: 0)
        }
        #expect(state.liveSize > 2 << 20 && !state.needsCompaction(size: 4 * state.liveSize))
        #expect(state.needsCompaction(size: 4 * state.liveSize + 1))
    }
}
