import CBPFShim
import Glibc
import Testing

@testable import KernelPlane

/// A netlink message put together by hand, with lengths that may lie.
private struct Message {
    var type: UInt16 = 36  // RTM_NEWQDISC
    var flags: UInt16 = 2
    var sequence: UInt32 = 7
    var body: [UInt8] = []
    /// Added to the length in the header.
    var lie = 0

    static func qdisc(
        device: Int32 = 3, handle: UInt32 = 0x10000, parent: UInt32 = .max, type: UInt16 = 36, _ attributes: [UInt8]...
    ) -> Message {
        Message(
            type: type,
            body: bytes(UInt32(0)) + bytes(device) + bytes(handle) + bytes(parent) + bytes(UInt32(1)) + attributes.joined())
    }

    static let done = Message(type: 3, body: bytes(Int32(0)))

    static func error(_ code: Int32) -> Message {
        Message(type: 2, body: bytes(code) + [UInt8](repeating: 0, count: 16))
    }

    var encoded: [UInt8] {
        let length = UInt32(truncatingIfNeeded: 16 + body.count + lie)
        return bytes(length) + bytes(type) + bytes(flags) + bytes(sequence) + bytes(UInt32(0)) + body
    }
}

private func bytes(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }

private func attribute(_ type: UInt16, _ value: [UInt8], lie: Int = 0) -> [UInt8] {
    let padding = [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
    return bytes(UInt16(truncatingIfNeeded: 4 + value.count + lie)) + bytes(type) + value + padding
}

private func kind(_ text: String) -> [UInt8] { attribute(1, Array(text.utf8) + [0]) }

/// tc_htb_opt with a rate and a ceiling.
private func htbOptions(rate: UInt32, ceil: UInt32) -> [UInt8] {
    func spec(_ rate: UInt32) -> [UInt8] { [0, 1] + [UInt8](repeating: 0, count: 6) + bytes(rate) }
    return spec(rate) + spec(ceil) + [1, 2, 3, 4, 5].flatMap { bytes(UInt32($0)) }
}

private func parse(
    _ datagram: [UInt8], _ what: mb_tc_what = MB_TC_QDISCS, sequence: UInt32 = 7
) -> (result: Int32, entries: [mb_tc]) {
    var list = mb_tc_list()
    defer { mb_tc_free(&list) }
    // In memory of just that size, so that a read beyond it is one that a sanitizer sees.
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: datagram.count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: datagram)
    let result = mb_tc_parse(copy.baseAddress, copy.count, sequence, what, 3, &list)
    return (result, Array(UnsafeBufferPointer(start: list.entries, count: list.count)))
}

@Suite struct QdiscAnswerTests {
    private let tbf = Message.qdisc(handle: 0x8001_0000, kind("tbf"), attribute(2, [1, 2, 3, 4, 5]))

    private var htbClass: Message {
        .qdisc(
            handle: 0x10011, parent: 0x10001, type: 40, kind("htb"),
            attribute(2, attribute(1, htbOptions(rate: .max, ceil: 9)) + attribute(6, bytes(UInt64(5_000_000_000)))),
            attribute(
                7,
                attribute(1, bytes(UInt64(77)) + bytes(UInt32(6))) + attribute(3, [1, 2, 3, 4, 5].flatMap { bytes(UInt32($0)) })))
    }

    @Test func honestAnswersAreRead() throws {
        let first = parse(tbf.encoded + Message.qdisc(device: 4, kind("tbf")).encoded)
        #expect(first.result == 1)
        #expect(
            first.entries.map { QdiscDescription($0) } == [
                QdiscDescription(handle: 0x8001_0000, kind: "tbf", options: [1, 2, 3, 4, 5])
            ])
        #expect(parse(tbf.encoded + Message.done.encoded).result == 0)
        let classes = parse(htbClass.encoded, MB_TC_CLASSES)
        let reading = try #require(classes.entries.first.map { ClassDescription($0).reading })
        #expect(
            reading.form
                == QdiscClass(minor: 0x11, rate: 5_000_000_000, ceil: 9, priority: 5, quantum: 3, buffer: 1, ceilBuffer: 2))
        #expect(reading.bytes == 77 && reading.packets == 6)
        #expect(reading.queued == 1 && reading.backlog == 2 && reading.drops == 3 && reading.overlimits == 5)
    }

    @Test func refusalsKeepTheirNumber() {
        #expect(parse(Message.error(-ENODEV).encoded).result == -ENODEV)
        #expect(parse(Message.error(0).encoded).result == -EPROTO)
        #expect(parse(Message(type: 3, body: bytes(Int32(-ENOMEM))).encoded).result == -ENOMEM)
        // A number that is none would end as a count.
        #expect(parse(Message.error(5).encoded).result == -EBADMSG)
        #expect(parse(Message(type: 3, body: bytes(Int32(5))).encoded).result == -EBADMSG)
        #expect(parse(Message(flags: 0x12).encoded).result == -EINTR)
    }

    @Test func answersToSomethingElseAreRefused() {
        #expect(parse(tbf.encoded, sequence: 8).result == -EPROTO)
        #expect(parse(tbf.encoded, MB_TC_CLASSES).result == -EPROTO)
        #expect(parse(htbClass.encoded).result == -EPROTO)
        #expect(parse(Message(type: 99).encoded).result == -EPROTO)
        #expect(parse([]).result == -EBADMSG)
    }

    @Test func everyCutIsSeenOrHarmless() {
        for message in [tbf, htbClass] {
            let what = message.type == 40 ? MB_TC_CLASSES : MB_TC_QDISCS
            let whole = message.encoded
            for length in 0..<whole.count { #expect(parse(Array(whole[..<length]), what).result < 0) }
            // The header's length cut along: the inner ones then lead out of it, or the message is a shorter honest one.
            for cut in 1...message.body.count {
                var shorter = message
                shorter.body.removeLast(cut)
                #expect(parse(shorter.encoded, what).entries.count <= 1)
            }
        }
    }

    @Test(arguments: [-40, -17, -16, -4, 1, 4, 4096, Int(Int32.max)])
    func aMessageThatLiesAboutItsLength(_ lie: Int) {
        var message = tbf
        message.lie = lie
        #expect(parse(message.encoded).result < 0 || lie > -16 && lie < 0)
        #expect(parse(message.encoded + Message.done.encoded).entries.count <= 1)
    }

    @Test(arguments: [-100, -5, 1, 3, 400, 65000])
    func anAttributeThatLiesAboutItsLength(_ lie: Int) {
        let outer = Message.qdisc(kind("htb"), attribute(2, attribute(2, [UInt8](repeating: 0, count: 20)), lie: lie))
        let inner = Message.qdisc(kind("htb"), attribute(2, attribute(2, [UInt8](repeating: 0, count: 20), lie: lie)))
        #expect(parse(inner.encoded).result == -EBADMSG || lie == -5)
        #expect(parse(outer.encoded).result == -EBADMSG || lie == -5)
    }

    @Test func shortAndOddAttributesAreRefused() {
        #expect(parse(Message.qdisc(attribute(1, [])).encoded).result == -EBADMSG)
        #expect(parse(Message.qdisc(attribute(1, Array("tbf".utf8))).encoded).result == -EBADMSG)
        #expect(parse(Message.qdisc(kind(String(repeating: "x", count: 16))).encoded).result == -EBADMSG)
        #expect(parse(Message.qdisc(kind("htb"), attribute(2, attribute(2, [1]))).encoded).result == -EBADMSG)
        #expect(parse(Message.qdisc(kind("htb"), attribute(2, attribute(1, [1]))).encoded).result == -EBADMSG)
        #expect(parse(Message.qdisc(kind("htb"), attribute(7, attribute(3, [1]))).encoded).result == -EBADMSG)
        #expect(parse(Message.qdisc(kind("htb"), attribute(7, attribute(1, [1, 2, 3]))).encoded).result == -EBADMSG)
        #expect(parse(Message(body: [0, 0, 0, 0]).encoded).result == -EBADMSG)
    }

    @Test func optionsThatDoNotFitAreNotTakenForWhole() throws {
        let long = parse(Message.qdisc(handle: 0x50000, kind("fq"), attribute(2, [UInt8](repeating: 1, count: 513))).encoded)
        let qdisc = try #require(long.entries.first.map { QdiscDescription($0) })
        #expect(long.result == 1 && qdisc.isOpaque)
        #expect(FormerQdisc(qdisc) == nil)
        let sized = parse(Message.qdisc(handle: 0x50000, kind("pfifo"), attribute(8, [])).encoded)
        #expect(try FormerQdisc(QdiscDescription(#require(sized.entries.first))) == nil)
    }

    @Test func noiseNeverGetsFar() {
        var generator = SystemRandomNumberGenerator()
        let honest = tbf.encoded + htbClass.encoded + Message.done.encoded
        for _ in 0..<20_000 {
            var noise = honest
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                noise[Int.random(in: 0..<noise.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            let (result, entries) = parse(noise)
            #expect(result <= 1 && entries.count <= 2)
        }
    }

    private func acknowledge(_ datagram: [UInt8]) -> (result: Int32, words: String) {
        var socket = mb_tc_socket()
        let result = withUnsafeMutableBytes(of: &socket.message) { words in
            words.withMemoryRebound(to: CChar.self) { words in
                words.baseAddress.map { mb_tc_parse_ack(datagram, datagram.count, 7, $0) } ?? 0
            }
        }
        let words = withUnsafeBytes(of: socket.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return (result, words)
    }

    @Test func theKernelsWordsAreKept() {
        let capped: UInt16 = 0x300
        let words = attribute(1, Array("no such kind".utf8) + [0])
        func ack(_ code: Int32, flags: UInt16, echo: Int, _ rest: [UInt8]) -> [UInt8] {
            let header = bytes(UInt32(16 + echo)) + [UInt8](repeating: 0, count: 12 + echo)
            return Message(type: 2, flags: flags, body: bytes(code) + header + rest).encoded
        }
        #expect(acknowledge(ack(-2, flags: capped, echo: 0, words)) == (-2, "no such kind"))
        #expect(acknowledge(ack(-2, flags: 0x200, echo: 24, words)) == (-2, "no such kind"))
        #expect(acknowledge(ack(0, flags: 0, echo: 0, [])) == (0, ""))
        let long = attribute(1, [UInt8](repeating: 65, count: 1000))
        #expect(acknowledge(ack(-2, flags: capped, echo: 0, long)).words.count == 159)
        // Words that lie are no reason to lose the verdict.
        #expect(acknowledge(ack(-2, flags: capped, echo: 0, attribute(1, [65, 0], lie: 500))) == (-2, ""))
        #expect(acknowledge(ack(-2, flags: 0x200, echo: 24, [])).result == -2)
        #expect(acknowledge(Array(ack(-2, flags: capped, echo: 0, words).dropLast())).result == -EBADMSG)
        #expect(acknowledge(tbf.encoded).result == -EPROTO)
        #expect(acknowledge(Message.error(7).encoded).result == -EBADMSG)
        #expect(acknowledge([]).result == -EBADMSG)
    }

    @Test func whatStandsIsJudged() {
        func judge(_ qdiscs: [QdiscDescription], filters: Bool = false, recorded: Bool = false, stands: Bool = false)
            -> StandingQdisc
        {
            StandingQdisc(qdiscs, recorded: recorded, treeStands: stands, hasFilters: filters)
        }
        let ours = QdiscDescription(handle: 0x10000, kind: "htb", defaultClass: 2)
        #expect(judge([]) == .systemDefault(nil))
        #expect(
            judge([QdiscDescription(handle: 0, kind: "mq"), QdiscDescription(handle: 0, parent: 1, kind: "fq_codel")])
                == .systemDefault("mq"))
        #expect(judge([ours], stands: true) == .ours)
        #expect(judge([ours], recorded: true) == .ours)
        #expect(judge([ours]) == .foreign("htb 1:"))
        #expect(judge([QdiscDescription(handle: 0x10000, kind: "htb", defaultClass: 3)], recorded: true) == .foreign("htb 1:"))
        #expect(judge([QdiscDescription(handle: 0x80010000, kind: "prio")]) == .foreign("prio 8001:"))
        let fq = QdiscDescription(handle: 0x80010000, kind: "fq", options: [1])
        #expect(judge([fq]) == .restorable(FormerQdisc(kind: "fq", handle: 0x80010000, options: [1])))
        #expect(judge([fq], filters: true) == .foreign("fq 8001: with filters"))
        #expect(judge([fq, QdiscDescription(handle: 0xffff_0000, parent: 0xffff_fff1, kind: "clsact")]) == judge([fq]))
        let mq = QdiscDescription(handle: 0x10000, kind: "mq")
        #expect(
            judge([mq, QdiscDescription(handle: 0, parent: 0x10001, kind: "fq")])
                == .restorable(FormerQdisc(kind: "mq", handle: 0x10000)))
        #expect(
            judge([mq, QdiscDescription(handle: 0x80020000, parent: 0x10001, kind: "fq")]) == .foreign("mq 1: with qdiscs in it"))
    }
}
