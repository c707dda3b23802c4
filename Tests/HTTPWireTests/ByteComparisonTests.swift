import HTTPWire
import Testing

/// Text compared a word at a time, with every byte in every place.
@Suite struct ByteComparisonTests {
    private static let texts: [StaticString] = [
        "te", "host", "model", "messages", "x-api-key", "max_tokens", "transfer-encoding",
    ]

    @Test(arguments: texts.indices) func everyByteCounts(_ index: Int) {
        let text = Self.texts[index]
        let wanted = text.withUTF8Buffer { Array($0) }
        for place in wanted.indices {
            for byte in UInt8.min...UInt8.max {
                var bytes = [0x21] + wanted + [0x21]
                bytes[place + 1] = byte
                let range = 1..<wanted.count + 1
                let lowercased = byte >= 0x41 && byte <= 0x5A ? byte + 0x20 : byte
                let (isSame, isAlike) = (bytes.span.equals(range, text), bytes.span.equals(range, ignoringCase: text))
                #expect(isSame == (byte == wanted[place]))
                #expect(isAlike == (lowercased == wanted[place]))
            }
        }
    }

    @Test func lengthsCount() {
        let bytes = Array("x-api-keys".utf8)
        let prefixes = bytes.indices.filter { bytes.span.equals(0..<$0, "x-api-key") }
        #expect(prefixes == [9])
        let isNothing = bytes.span.equals(0..<0, "")
        #expect(isNothing)
    }

    @Test func hostsHaveWhatAuthoritiesHave() {
        for byte in UInt8.min...UInt8.max {
            let bytes = Array("GET / HTTP/1.1\r\nHost: a".utf8) + [byte] + Array("b\r\n\r\n".utf8)
            let isGood = byte > 0x20 && byte < 0x7F && !"#,/?@".utf8.contains(byte)
            let head = try? RequestHead(parsing: bytes.span, size: bytes.count)
            #expect((head != nil) == isGood, "\(byte)")
        }
    }
}
