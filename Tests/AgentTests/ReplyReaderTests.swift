import Catalog
import Testing

@testable import Agent

@Suite struct ReplyReaderTests {
    /// What comes of bytes that arrive in pieces of a size, and then the end of the connection.
    private func read(_ text: String, limit: Int?, by size: Int, closes: Bool = true) -> ReplyReader.Step {
        var reader = ReplyReader(bodyLimit: limit)
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let step = reader.feed(rest.prefix(size))
            rest = rest.dropFirst(size)
            if step != .more { return step }
        }
        return closes ? reader.end() : .more
    }

    private let sizes = [1, 2, 7, 1000]

    @Test(arguments: [1, 2, 7, 1000]) func theHeadIsEnough(size: Int) {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
        #expect(read(head, limit: nil, by: size, closes: false) == .done(Reply(status: 200)))
        #expect(read("HTTP/1.0 503 \r\n\r\nx", limit: nil, by: size) == .done(Reply(status: 503)))
        let early = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
        #expect(read(early, limit: nil, by: size) == .done(Reply(status: 204)))
    }

    @Test(arguments: [1, 2, 7, 1000]) func bodiesOfEveryFraming(size: Int) {
        let expected = ReplyReader.Step.done(Reply(status: 200, body: Array("hello".utf8)))
        #expect(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", limit: 5, by: size, closes: false) == expected)
        #expect(read("HTTP/1.1 200 OK\r\n\r\nhello", limit: 5, by: size) == expected)
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n"
        #expect(read(chunked, limit: 5, by: size, closes: false) == expected)
        #expect(read("HTTP/1.1 204 OK\r\n\r\n", limit: 5, by: size, closes: false) == .done(Reply(status: 204)))
    }

    @Test(arguments: [
        "Content-Length: 6\r\n\r\nhello!", "\r\nhello!", "Transfer-Encoding: chunked\r\n\r\n6\r\nhello!\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFF\r\nhello!!!!",
    ])
    func noMoreThanTheLimitIsRead(rest: String) {
        for size in sizes {
            let step = read("HTTP/1.1 200 OK\r\n" + rest, limit: 5, by: size)
            #expect(step == .failed("the answer is longer than 5 bytes"))
        }
    }

    @Test(arguments: [
        ("", "closed without an answer"), ("HTTP/1.1 200", "closed in the middle of an answer"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "closed in the middle of an answer"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe", "closed in the middle of an answer"),
        ("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", "the answer is compressed"),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n", "not an HTTP answer: malformed status line"),
        ("HTTP/1.1 2000 OK\r\n\r\n", "not an HTTP answer: malformed status line"),
        ("HTTP/1.1 200 OK\n\n", "not an HTTP answer: line ends with a bare LF"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "not an HTTP answer: malformed chunk"),
        ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "not an HTTP answer: malformed Content-Length"),
    ])
    func whatIsNoAnswer(text: String, reason: String) {
        for size in sizes { #expect(read(text, limit: 100, by: size) == .failed(reason)) }
    }

    @Test func anEndlessHeadEnds() {
        let endless = "HTTP/1.1 200 OK\r\nX: " + String(repeating: "x", count: 64 << 10)
        #expect(read(endless, limit: nil, by: 1000) == .failed("not an HTTP answer: head larger than 32 KiB"))
    }
}

@Suite struct InquiryRequestTests {
    private func text(_ endpoint: Endpoint, _ path: String, body: String? = nil) -> String {
        String(decoding: InquiryRequest.bytes("GET", path, to: endpoint, body: body), as: UTF8.self)
    }

    @Test func isOneRequestThatEndsTheConnection() {
        let endpoint = Endpoint(
            host: "e", port: 80, authority: "e:80", pathPrefix: "/prefix", key: Secret("sk-1"))
        let request = text(endpoint, "/v1/models")
        #expect(request.hasPrefix("GET /prefix/v1/models HTTP/1.1\r\nHost: e:80\r\n"))
        #expect(request.contains("\r\nConnection: close\r\n"))
        #expect(request.hasSuffix("\r\nAuthorization: Bearer sk-1\r\n\r\n"))
        #expect(text(endpoint, "x", body: "{}").hasSuffix("\r\nContent-Length: 2\r\n\r\n{}"))
    }

    /// Neither a path nor a key makes a second request of one.
    @Test func nothingGetsOutOfItsLine() {
        let endpoint = Endpoint(host: "e", port: 80, authority: "e", key: Secret("a\r\nX: y"))
        let request = text(endpoint, "/a b\r\nGET /ü")
        #expect(request.hasPrefix("GET /a%20b%0D%0AGET%20/%C3%BC HTTP/1.1\r\n"))
        #expect(!request.contains("Authorization"))
    }
}
