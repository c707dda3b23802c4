import Telemetry
import Testing

/// The examples of the protocol buffers' own description of the wire format, and what is on the edges.
@Suite struct ProtobufWriterTests {
    private func written(_ write: (inout ProtobufWriter) -> Void) -> [UInt8] {
        var writer = ProtobufWriter()
        write(&writer)
        return writer.bytes
    }

    @Test func numbers() {
        #expect(written { $0.varint(1, 150) } == [0x08, 0x96, 0x01])
        #expect(written { $0.varint(16, 0) } == [0x80, 0x01, 0x00])
        #expect(written { $0.varint(1, .max) } == [0x08] + Array(repeating: 0xFF, count: 9) + [0x01])
        #expect(written { $0.int(1, -1) } == written { $0.varint(1, .max) })
        #expect(written { $0.bool(3, true) } == [0x18, 0x01])
        #expect(written { $0.fixed64(2, 0x0102) } == [0x11, 2, 1, 0, 0, 0, 0, 0, 0])
        #expect(written { $0.fixed32(2, 0x0102) } == [0x15, 2, 1, 0, 0])
        #expect(written { $0.double(1, 1.5) } == [0x09, 0, 0, 0, 0, 0, 0, 0xF8, 0x3F])
    }

    @Test func textsAndMessages() {
        #expect(written { $0.string(2, "testing") } == [0x12, 0x07] + Array("testing".utf8))
        #expect(written { $0.string(2, "") } == [0x12, 0x00])
        #expect(written { $0.bytes(1, [7, 8]) } == [0x0A, 0x02, 7, 8])
        #expect(written { $0.message(3) { $0.varint(1, 150) } } == [0x1A, 0x03, 0x08, 0x96, 0x01])
        #expect(written { $0.bytes(1, bigEndian: 0x0102, 3) } == [0x0A, 16] + [0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 3])
        #expect(written { $0.bytes(1, bigEndian: 0x0102) } == [0x0A, 8, 0, 0, 0, 0, 0, 0, 1, 2])
        #expect(written { $0.string(1, repairing: [0x61, 0xFF]) } == written { $0.string(1, "a\u{FFFD}") })
        #expect(written { $0.message(3) { _ in } } == [0x1A, 0x00])
        #expect(written { $0.packed(6, fixed64: [1, 2]) } == [0x32, 16, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0])
        #expect(written { $0.packed(6, fixed64: []) } == [])
    }

    /// A length that needs more than a byte moves what was written behind it.
    @Test(arguments: [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152]) func lengthsOfAnySize(size: Int) {
        let content = [UInt8](repeating: 7, count: size)
        let bytes = written { $0.message(1) { $0.raw(content) } }
        #expect(bytes == written { $0.bytes(1, content) })
        #expect(bytes.count == size + 1 + (size < 128 ? 1 : size < 16_384 ? 2 : size < 2_097_152 ? 3 : 4))
    }
}
