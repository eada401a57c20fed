internal import BrokerDomain
internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1

/// A request as it came over the wire.
struct Incoming: Sendable {
  let method: HTTPRequest.Method
  /// The target, percent-encoded as it came.
  let target: String
  let headers: CallHeaders
  /// Nil of one that is longer than the limit: it is not kept, and need not have arrived whole.
  let body: [UInt8]?
}

/// Who answers requests.
protocol Answering: Sendable {
  func answer(_ incoming: Incoming) async -> Reply
  /// To what is no HTTP.
  func answer(_ error: HTTPParserError) -> Reply
}

/// One connection: gathers a request, has it answered and writes the answer, all on the loop that owns the socket.
/// The handlers before it pass on one request at a time.
final class Exchange: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  struct Options: Sendable {
    var bodyBytes: Int
    /// For how long a connection may send nothing, between requests and in the middle of one.
    var idle: TimeAmount
  }

  /// Of a body that is too long, so much is read and thrown away; a client that sends on is cut off.
  private static let discardedBytes = 16 << 20

  private let options: Options
  private let answering: any Answering
  private let executor: LoopExecutor
  private var head: HTTPRequestHead?
  private var body = ByteBuffer()
  /// Of a request that is answered before its end.
  private var discarded: Int?
  private var isAnswering = false
  private var closesAfterAnswer = false
  private var lastHeard = NIODeadline.now()
  private var idling: Scheduled<Void>?

  init(options: Options, answering: any Answering, on channel: any Channel) {
    (self.options, self.answering) = (options, answering)
    executor = LoopExecutor(channel.eventLoop)
  }

  // MARK: In

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    lastHeard = .now()
    switch unwrapInboundIn(data) {
    case .head(let head):
      self.head = head
      body.clear()
      if let length = head.headers.first(name: "content-length").flatMap({ Int($0) }), length > options.bodyBytes {
        discarded = 0
        begin(context)
      } else if head.headers.first(name: "expect")?.lowercased() == "100-continue", head.version == .http1_1 {
        context.writeAndFlush(wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
      }
    case .body(var part):
      if let count = discarded {
        discarded = count + part.readableBytes
        if count > Self.discardedBytes { context.close(promise: nil) }
      } else if body.readableBytes + part.readableBytes > options.bodyBytes {
        discarded = 0
        begin(context)
      } else if body.readableBytes == 0 {
        body = part
      } else {
        body.writeBuffer(&part)
      }
    case .end:
      if discarded == nil { begin(context) } else { discarded = nil }
    }
  }

  private func begin(_ context: ChannelHandlerContext) {
    guard let head else { return }
    isAnswering = true
    let incoming = Incoming(
      method: HTTPRequest.Method(rawValue: head.method.rawValue) ?? .get, target: head.uri,
      headers: CallHeaders(head.headers), body: discarded == nil ? Array(buffer: body) : nil)
    let (answering, loop) = (answering, context.eventLoop)
    let bound = NIOLoopBound((self, context), eventLoop: loop)
    Task(executorPreference: executor) {
      let reply = await answering.answer(incoming)
      guard loop.inEventLoop else { return loop.execute { bound.value.0.finish(reply, bound.value.1) } }
      bound.value.0.finish(reply, bound.value.1)
    }
  }

  // MARK: Out

  private func finish(_ reply: Reply, _ context: ChannelHandlerContext) {
    guard let head, context.channel.isActive else { return }
    // HTTP/1.0 is answered and done with.
    let isLast = closesAfterAnswer || !head.isKeepAlive || head.version != .http1_1
    let promise = context.eventLoop.makePromise(of: Void.self)
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    promise.futureResult.whenComplete { _ in
      // Only now: who does not read its answers is not read from.
      let (exchange, context) = bound.value
      exchange.isAnswering = false
      exchange.lastHeard = .now()
      if isLast { context.close(promise: nil) }
    }
    write(reply, isLast: isLast, hasBody: head.method != .HEAD, promise, context)
  }

  private func write(
    _ reply: Reply, isLast: Bool, hasBody: Bool, _ promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext
  ) {
    var headers = HTTPHeaders()
    headers.reserveCapacity(reply.headers.count + 3)
    for field in reply.headers { headers.add(name: field.name.rawName, value: field.value) }
    headers.add(name: "Content-Length", value: String(reply.body.count))
    headers.add(name: "Date", value: HTTPDate.now)
    if isLast { headers.add(name: "Connection", value: "close") }
    let status = HTTPResponseStatus(statusCode: reply.status.code, reasonPhrase: reply.status.reasonPhrase)
    context.write(
      wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))), promise: nil)
    if hasBody, !reply.body.isEmpty {
      context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: reply.body)))), promise: nil)
    }
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: promise)
  }

  // MARK: Ends

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if let error = error as? HTTPParserError, !isAnswering {
      write(answering.answer(error), isLast: true, hasBody: true, nil, context)
    }
    context.close(promise: nil)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
    // Who has said all may still listen.
    if isAnswering { closesAfterAnswer = true } else { context.close(promise: nil) }
  }

  func handlerAdded(context: ChannelHandlerContext) { watch(context, options.idle) }

  func handlerRemoved(context: ChannelHandlerContext) { idling?.cancel() }

  private func watch(_ context: ChannelHandlerContext, _ amount: TimeAmount) {
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    idling = context.eventLoop.scheduleTask(in: amount) {
      let (exchange, context) = bound.value
      let rest = exchange.lastHeard + exchange.options.idle - .now()
      if exchange.isAnswering {
        exchange.watch(context, exchange.options.idle)
      } else if rest > .zero {
        exchange.watch(context, rest)
      } else {
        context.close(promise: nil)
      }
    }
  }
}
