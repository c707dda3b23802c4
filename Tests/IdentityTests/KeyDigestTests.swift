import Catalog
import Identity
import Testing

@Suite struct KeyDigestTests {
    /// FIPS 180-2, appendix B.1: "abc".
    @Test func isSHA256OverSaltAndKey() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        for cut in 0...3 {
            let bytes = Array("abc".utf8)
            let digest = KeyDigest.digest(salt: Array(bytes[..<cut]), key: Array(bytes[cut...]))
            #expect(digest.map { String(Int($0) + 256, radix: 16).suffix(2) }.joined() == expected)
        }
    }

    @Test func comparesEveryByte() {
        let key = Array("a key".utf8)
        let digest = KeyDigest.digest(salt: key.span, key: key.span)
        let bytes = KeyDigest.digest(salt: key, key: key)
        let isSame = KeyDigest.isEqual(digest, bytes)
        #expect(isSame)
        for index in bytes.indices {
            var other = bytes
            other[index] ^= 0x80
            let isOther = !KeyDigest.isEqual(digest, other)
            #expect(isOther)
        }
        let isShorter = KeyDigest.isEqual(digest, Array(bytes.dropLast())) || KeyDigest.isEqual(digest, [])
        #expect(!isShorter)
    }

    @Test func aStoredKeyComesBack() throws {
        let made = try #require(NewKey(id: "ci-2"))
        let text = KeyDigest.stored(made.key)
        #expect(text.hasPrefix("mbk1:ci-2:") && text.utf8.count == "mbk1:ci-2:".utf8.count + 32 + 1 + 64)
        #expect(KeyDigest.parse(stored: text) == made.key)
        #expect(KeyDigest.parse(stored: text.uppercased()) == nil, "the id has no capitals")
    }

    @Test(arguments: [
        "", "mbk1", "mbk1:::", "mbk2:a:00112233445566778899aabbccddeeff:" + String(repeating: "0", count: 64),
        "mbk1:a:00112233445566778899aabbccddeeff:" + String(repeating: "0", count: 63),
        "mbk1:a:00112233445566778899aabbccddeeff:" + String(repeating: "0", count: 66),
        "mbk1:a:00112233445566778899aabbccddeef:" + String(repeating: "0", count: 64),
        "mbk1:a:00112233445566778899aabbccddeefg:" + String(repeating: "0", count: 64),
        "mbk1:A:00112233445566778899aabbccddeeff:" + String(repeating: "0", count: 64),
        "mbk1:a_b:00112233445566778899aabbccddeeff:" + String(repeating: "0", count: 64),
        "mbk1:a:00112233445566778899aabbccddeeff:" + String(repeating: "é", count: 64),
        "mbk1:a:00112233445566778899aabbccddeeff:" + String(repeating: "0", count: 64) + ":",
    ])
    func refusesOtherTexts(text: String) {
        #expect(KeyDigest.parse(stored: text) == nil)
    }

    @Test func madeKeysHaveTheirForm() throws {
        let keys = (0..<200).compactMap { _ in NewKey() }
        #expect(keys.count == 200 && Set(keys.map(\.secret)).count == 200 && Set(keys.map(\.key.id)).count == 200)
        for made in keys {
            let bytes = Array(made.secret.reveal.utf8)
            let found = KeyText.id(in: bytes.span)
            let id = try #require(found)
            #expect(String(decoding: bytes[id], as: UTF8.self) == made.key.id && made.key.id.utf8.count == 10)
            #expect(KeyText.fault(of: made.secret.reveal) == nil)
            #expect(made.key.digest == KeyDigest.digest(salt: made.key.salt, key: bytes) && made.key.salt.count == 16)
        }
        #expect(NewKey(id: "with_underscore") == nil && NewKey(id: "") == nil && NewKey(id: "A") == nil)
        #expect("\(keys[0].secret)" == "(secret)")
    }

    @Test(arguments: [
        "", "mb_", "mb__" + String(repeating: "a", count: 43), "mb_a_" + String(repeating: "a", count: 42),
        "mb_a" + String(repeating: "b", count: 44), "mc_a_" + String(repeating: "a", count: 43),
        "mb_A_" + String(repeating: "a", count: 43), "mb_a b_" + String(repeating: "a", count: 43),
        "mb_a_" + String(repeating: "a", count: 42) + "+",
        "mb_" + String(repeating: "a", count: 33) + "_" + String(repeating: "a", count: 43),
        "MB_a_" + String(repeating: "a", count: 43),
    ])
    func otherKeysHaveNoID(text: String) {
        let bytes = Array(text.utf8)
        let id = KeyText.id(in: bytes.span)
        #expect(id == nil)
    }

    /// The secret's alphabet has the separator in it.
    @Test func theSecretMayHaveUnderscores() {
        let bytes = Array(("mb_ab-9_" + String(repeating: "_", count: 43)).utf8)
        let id = KeyText.id(in: bytes.span)
        #expect(id == 3..<7)
    }

    @Test func weakKeysAreRefused() {
        #expect(KeyText.fault(of: "short") != nil && KeyText.fault(of: "sixteen-bytes-ok") == nil)
        #expect(KeyText.fault(of: String(repeating: "a", count: 1_025)) != nil)
        #expect(KeyText.fault(of: "a key that has a space") != nil && KeyText.fault(of: "sixteen-bytes-ok\n") != nil)
    }

    @Test func base64IsStrict() {
        #expect(Base64URL.decode(Array("".utf8)) == [])
        #expect(Base64URL.decode(Array("AA".utf8)) == [0] && Base64URL.decode(Array("-_8".utf8)) == [0xFB, 0xFF])
        for text in ["A", "AAAAA", "AA=", "AA==", "+/8", "AB", "AAB", "A A", "AA\n"] {
            #expect(Base64URL.decode(Array(text.utf8)) == nil, "\(text)")
        }
        for count in 0..<70 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 37 + count) }
            #expect(Base64URL.decode(Array(Base64URL.encode(bytes).utf8)) == bytes)
        }
    }
}
