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

/// One connection: gathers a request, has it answered and writes the answer, all on the loop that owns the socket. One
/// request at a time: of what is pipelined as much as one read brought waits here, and the rest in the socket.
final class Exchange: ChannelDuplexHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundIn = Never
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
  /// Of the request that is being read or answered.
  private var head: HTTPRequestHead?
  private var body = ByteBuffer()
  /// Of a request that is answered before its end.
  private var discarded: Int?
  private var isAnswering = false
  private var pipelined: [HTTPServerRequestPart] = []
  private var readIsHeld = false
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
    let part = unwrapInboundIn(data)
    // The rest of a request that is answered before its end is no next request.
    if isAnswering, discarded == nil { return pipelined.append(part) }
    hear(part, context)
  }

  func read(context: ChannelHandlerContext) {
    if pipelined.isEmpty { context.read() } else { readIsHeld = true }
  }

  private func hear(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
    switch part {
    case .head(let head):
      self.head = head
      body.clear()
      if let length = head.headers.first(name: "content-length").flatMap({ Int($0) }), length > options.bodyBytes {
        discarded = 0
        begin(head, context)
      } else if head.headers.first(name: "expect")?.lowercased() == "100-continue", head.version == .http1_1 {
        let head = HTTPResponseHead(version: .http1_1, status: .continue)
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
      }
    case .body(var part):
      if let count = discarded {
        discarded = count + part.readableBytes
        if count > Self.discardedBytes { context.close(promise: nil) }
      } else if body.readableBytes + part.readableBytes > options.bodyBytes, let head {
        discarded = 0
        begin(head, context)
      } else if body.readableBytes == 0 {
        body = part
      } else {
        body.writeBuffer(&part)
      }
    case .end:
      if discarded != nil { discarded = nil } else if let head { begin(head, context) }
    }
  }

  private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
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
    let isLast = (closesAfterAnswer && pipelined.isEmpty) || !head.isKeepAlive || head.version != .http1_1
    write(reply, isLast: isLast, hasBody: head.method != .HEAD, context).whenComplete { [self, context] _ in
      // Only now: who does not read its answers is not read from.
      answered(isLast, context)
    }
  }

  private func answered(_ isLast: Bool, _ context: ChannelHandlerContext) {
    (isAnswering, head, lastHeard) = (false, nil, .now())
    if isLast { return context.close(promise: nil) }
    while !pipelined.isEmpty, !isAnswering || discarded != nil { hear(pipelined.removeFirst(), context) }
    if closesAfterAnswer, !isAnswering { return context.close(promise: nil) }
    if readIsHeld, pipelined.isEmpty {
      readIsHeld = false
      context.read()
    }
  }

  private func write(
    _ reply: Reply, isLast: Bool, hasBody: Bool, _ context: ChannelHandlerContext
  ) -> EventLoopFuture<Void>.Isolated {
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
    return context.writeAndFlush(wrapOutboundOut(.end(nil))).assumeIsolated()
  }

  // MARK: Ends

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? HTTPParserError else { return context.close(promise: nil) }
    if isAnswering { return closeAfterAnswer() }
    _ = write(answering.answer(error), isLast: true, hasBody: true, context)
    context.close(promise: nil)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case ChannelEvent.inputClosed:
      // Who has said all may still listen.
      if isAnswering { closesAfterAnswer = true } else { context.close(promise: nil) }
    case is ChannelShouldQuiesceEvent:
      if isAnswering || head != nil { closeAfterAnswer() } else { context.close(promise: nil) }
    default: context.fireUserInboundEventTriggered(event)
    }
  }

  private func closeAfterAnswer() {
    closesAfterAnswer = true
    pipelined = []
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
