internal import NIOCore
internal import NIOHTTP1

/// Answers HTTP/1.1 requests with the admin pages, one after the other on a connection.
final class AdminHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let pages: AdminPages
    private var head: HTTPRequestHead?

    init(_ pages: AdminPages) { self.pages = pages }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body: break
        case .end:
            guard let head else { return }
            self.head = nil
            answer(head, on: context.channel)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// An idle connection is closed.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) }
    }

    private func answer(_ request: HTTPRequestHead, on channel: any Channel) {
        Task { [pages] in
            let answer = await pages.answer(
                method: request.method.rawValue, target: request.uri, hosts: request.headers["host"])
            let headOnly = request.method == .HEAD
            let close = !request.isKeepAlive
            var head = HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: answer.status))
            head.headers.add(name: "content-type", value: answer.contentType)
            head.headers.add(name: "content-length", value: String(answer.body.count))
            for (name, value) in answer.guards { head.headers.add(name: name, value: value) }
            if let allow = answer.allow { head.headers.add(name: "allow", value: allow) }
            if close { head.headers.add(name: "connection", value: "close") }
            channel.write(HTTPServerResponsePart.head(head), promise: nil)
            if !headOnly {
                channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: answer.body))), promise: nil)
            }
            let sent = channel.eventLoop.makePromise(of: Void.self)
            if close { sent.futureResult.whenComplete { _ in channel.close(promise: nil) } }
            channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: sent)
        }
    }
}
