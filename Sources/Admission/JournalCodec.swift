/// The journal as bytes: a header, then records one behind the other, each with a checksum of its own.
///
///     header   "MBJRNL1\n"
///     record   u32 mark, u8 kind, u8 zero, u16 bytes of the name, u64 word, i64 time, name, u32 CRC-32C of all before
///
/// Numbers are little-endian.
package enum JournalCodec {
    package static let header: [UInt8] = Array("MBJRNL1\n".utf8)

    /// "MBJR": where a damaged record ends is found by it.
    private static let mark: UInt32 = 0x524A_424D
    /// Bytes before the name, and those of the checksum.
    private static let fixedSize = 24
    private static let sumSize = 4

    /// What could be read of a journal.
    package struct Reading: Hashable, Sendable {
        package var records: [JournalRecord] = []
        /// Bytes up to the end of the last record: what lies behind is torn, and to be cut off before more is written. 0: not
        /// even the header is there.
        package var length = 0
        /// Bytes before that which are no record.
        package var damaged = 0
        /// It does not begin as a journal does; nothing of it was read.
        package var isForeign = false

        package init() {}
    }

    /// Bytes that a record takes.
    package static func size(of record: JournalRecord) -> Int { fixedSize + record.name.utf8.count + sumSize }

    /// Left out is a record whose name is empty or longer than `JournalRecord.nameLimit`.
    package static func append(_ record: JournalRecord, to bytes: inout [UInt8]) {
        let name = record.name.utf8
        guard (1...JournalRecord.nameLimit).contains(name.count) else { return }
        let start = bytes.count
        append(mark, to: &bytes)
        bytes.append(record.kind.rawValue)
        bytes.append(0)
        append(UInt16(name.count), to: &bytes)
        append(record.word.rawValue, to: &bytes)
        append(UInt64(bitPattern: record.time), to: &bytes)
        bytes += name
        append(CRC32C.sum(bytes[start...]), to: &bytes)
    }

    package static func encode(_ record: JournalRecord) -> [UInt8] {
        var bytes: [UInt8] = []
        append(record, to: &bytes)
        return bytes
    }

    /// Reads whatever is whole, also behind what is damaged. A header that is cut off is one of an empty journal.
    package static func decode(_ bytes: [UInt8]) -> Reading {
        var reading = Reading()
        guard bytes.starts(with: header) else {
            reading.isForeign = !header.starts(with: bytes)
            return reading
        }
        reading.length = header.count
        var start = header.count
        while start < bytes.count {
            guard let record = record(bytes, at: start) else {
                // The next one begins somewhere behind the first byte of this.
                start += 1
                continue
            }
            reading.records.append(record)
            reading.damaged += start - reading.length
            start += size(of: record)
            reading.length = start
        }
        return reading
    }

    private static func record(_ bytes: [UInt8], at start: Int) -> JournalRecord? {
        guard bytes.count - start > fixedSize + sumSize, number(bytes, start, 4) == UInt64(mark) else { return nil }
        let count = Int(number(bytes, start + 6, 2))
        let end = start + fixedSize + count
        guard (1...JournalRecord.nameLimit).contains(count), bytes.count - sumSize >= end, bytes[start + 5] == 0,
            number(bytes, end, sumSize) == UInt64(CRC32C.sum(bytes[start..<end])),
            let kind = JournalRecord.Kind(rawValue: bytes[start + 4]),
            let name = String(validating: bytes[(start + fixedSize)..<end], as: UTF8.self)
        else { return nil }
        return JournalRecord(
            kind, name, QuotaWord(rawValue: number(bytes, start + 8, 8)),
            time: Int64(bitPattern: number(bytes, start + 16, 8)))
    }

    private static func append(_ number: some FixedWidthInteger & UnsignedInteger, to bytes: inout [UInt8]) {
        for index in 0..<number.bitWidth / 8 { bytes.append(UInt8(truncatingIfNeeded: number >> (8 * index))) }
    }

    private static func number(_ bytes: [UInt8], _ start: Int, _ count: Int) -> UInt64 {
        (0..<count).reduce(0) { $0 | UInt64(bytes[start + $1]) << UInt64(8 * $1) }
    }
}
