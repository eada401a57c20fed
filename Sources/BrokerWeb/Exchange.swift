internal import BrokerDomain
internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL

/// One connection: gathers a request, has it answered and writes the answer, all on the loop that owns the socket. One
/// request at a time: of what is pipelined, what one read brought waits here and the rest in the socket; only what a
/// client sent before it closed its side comes all at once.
final class Exchange: ChannelDuplexHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundIn = Never
  typealias OutboundOut = ByteBuffer
  typealias Decoder = ByteToMessageHandler<HTTPRequestDecoder>

  struct Options: Sendable {
    var bodyBytes: Int
    /// For how long a connection may send nothing, between requests and in the middle of one, and take nothing of an
    /// answer.
    var idle: TimeAmount
    /// What a request may take from its head to its end, however little of it comes at a time.
    var arrival: TimeAmount { 2 * idle }
  }

  /// Of a body so much is kept before its sender has shown a key: connections are many, and anybody may open them.
  private static let strangerBytes = 16 << 10
  /// Of a body that is too long, so much is read and thrown away; a client that sends on is cut off.
  private static let discardedBytes = 16 << 20
  /// What a client must take of a long answer within the idle time.
  private static let pieceBytes = 256 << 10
  /// For how long a client whose input is not understood may read why.
  private static let linger = TimeAmount.seconds(2)

  private let options: Options
  private let answering: any Answering
  private let executor: LoopExecutor
  /// Of the request that is being read or answered.
  private var head: HTTPRequestHead?
  private var body = ByteBuffer()
  /// Of a request that is answered before its end: what was thrown away of it so far.
  private var discarded: Int?
  private var isAnswering = false
  /// The answer is made, and not all of it taken.
  private var isWriting = false
  private var pipelined = CircularBuffer<HTTPServerRequestPart>()
  private var readIsHeld = false
  /// No more requests come, and the connection ends with the last answer.
  private var isLastRead = false
  /// What comes after the request that is being answered counts for nothing.
  private var dropsRest = false
  /// Another protocol is asked for: the decoder hears nothing after this request, and would keep all that comes.
  private var isDeaf = false
  /// The decoder has given up: what else comes is no request, and is read only so that the answer gets through.
  private var isBroken = false
  private var isEnded = false
  private var lastHeard = NIODeadline.now()
  /// When the head of the request that is being read came.
  private var begunAt = NIODeadline.now()
  /// What is under way has taken too long.
  private var isSlow = false
  private let presence: Presence
  private var idling: Scheduled<Void>?

  init(options: Options, answering: any Answering, on channel: any Channel) {
    (self.options, self.answering) = (options, answering)
    executor = LoopExecutor(channel.eventLoop)
    presence = Presence(address: channel.remoteAddress?.ipAddress ?? "?")
  }

  // MARK: In

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    // After its end a connection may still bring something: nobody would hear what came of it.
    if isEnded { return }
    lastHeard = .now()
    let part = unwrapInboundIn(data)
    // The rest of a request that is answered before its end is no next request.
    guard isAnswering, discarded == nil else { return hear(part, context) }
    if !dropsRest { pipelined.append(part) }
  }

  func read(context: ChannelHandlerContext) {
    if pipelined.isEmpty, !isDeaf { context.read() } else { readIsHeld = true }
  }

  private func hear(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
    switch part {
    case .head(let head):
      (self.head, begunAt) = (head, lastHeard)
      if let length = head.headers.first(name: "content-length").flatMap({ Int($0) }), length > options.bodyBytes {
        discarded = 0
        begin(head, context)
      } else if head.headers.first(name: "expect")?.lowercased() == "100-continue", head.version == .http1_1 {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n")), promise: nil)
      }
    case .body(var part):
      if let count = discarded {
        discarded = count + part.readableBytes
        if count > Self.discardedBytes { end(context) }
      } else if let head, isTooMuch(body.readableBytes + part.readableBytes, of: head) {
        discarded = 0
        begin(head, context)
      } else if body.readableBytes == 0 {
        body = part
      } else {
        body.writeBuffer(&part)
      }
    case .end:
      if discarded == nil {
        if let head { begin(head, context) }
      } else {
        discarded = nil
        if isLastRead, !isAnswering { end(context) }
      }
    }
  }

  /// - Parameter length: of the body as it would be, which was not too much before.
  private func isTooMuch(_ length: Int, of head: HTTPRequestHead) -> Bool {
    if length > options.bodyBytes { return true }
    guard length > Self.strangerBytes, body.readableBytes <= Self.strangerBytes else { return false }
    return !answering.knows(CallHeaders(head.headers))
  }

  private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    isAnswering = true
    isDeaf = head.method == .CONNECT || head.headers.contains(name: "upgrade")
    let incoming = Incoming(
      method: HTTPRequest.Method(rawValue: head.method.rawValue) ?? .get, target: head.uri,
      headers: CallHeaders(head.headers), isHTTP11: head.version == .http1_1,
      body: discarded == nil ? Array(buffer: body) : nil,
      presence: presence)
    // What it lies in may be much larger.
    body = ByteBuffer()
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
    guard let head, !isEnded, context.channel.isActive else { return }
    // HTTP/1.0 is answered and done with.
    let isLast =
      isLastRead && pipelined.isEmpty || !head.isKeepAlive || head.version != .http1_1 || isDeaf || isBroken
    if isLast { (isLastRead, dropsRest, pipelined) = (true, true, CircularBuffer()) }
    (isWriting, lastHeard) = (true, .now())
    write(reply, isLast: isLast, hasBody: head.method != .HEAD, context).whenComplete { [self, context] in
      answered($0, context)
    }
  }

  /// The client has taken the answer: who does not read is not read from.
  private func answered(_ result: Result<Void, any Error>, _ context: ChannelHandlerContext) {
    if isEnded { return }
    if case .failure = result { return end(context) }
    (isAnswering, isWriting, head, lastHeard) = (false, false, nil, .now())
    while !isAnswering || discarded != nil, let part = pipelined.popFirst() { hear(part, context) }
    if isLastRead, !isAnswering {
      // What is unread at the end of a connection has the system take the answer back.
      if isBroken || readIsHeld && !isDeaf { return endLingering(context) }
      if discarded == nil { return end(context) }
    }
    if readIsHeld, pipelined.isEmpty {
      readIsHeld = false
      context.read()
    }
  }

  private func write(
    _ reply: Reply, isLast: Bool, hasBody: Bool, _ context: ChannelHandlerContext
  ) -> EventLoopFuture<Void>.Isolated {
    let body = hasBody ? reply.body : []
    // Together with its head, or the first piece of it: each write is a call of the system.
    let first = body.prefix(Self.pieceBytes)
    var buffer = context.channel.allocator.buffer(capacity: ReplyHead.room + first.count)
    buffer.write(ReplyHead(reply, isLast: isLast))
    buffer.writeBytes(first)
    var at = first.count
    while at < body.count {
      // Flushed each by itself, or TLS would make one of them all.
      context.writeAndFlush(wrapOutboundOut(buffer)).assumeIsolated().whenSuccess { [self] in lastHeard = .now() }
      let piece = body[at..<min(body.count, at + Self.pieceBytes)]
      buffer = ByteBuffer(bytes: piece)
      at += piece.count
    }
    return context.writeAndFlush(wrapOutboundOut(buffer)).assumeIsolated()
  }

  // MARK: Ends

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if isEnded { return }
    // The decoder says of everything that comes after an error that it is one. Who ends TLS without saying so is heard
    // as one who closed his side.
    if isBroken, error is ByteToMessageDecoderError || error is HTTPParserError { return }
    if case NIOSSLError.uncleanShutdown = error { return }
    guard let error = error as? HTTPParserError else { return end(context) }
    isBroken = true
    if isAnswering { return closeAfterAnswer() }
    if discarded != nil { return endLingering(context) }
    (isWriting, isAnswering, isLastRead) = (true, true, true)
    let reply = isSlow ? answering.tooSlow(head.map { CallHeaders($0.headers) }) : answering.answer(error)
    write(reply, isLast: true, hasBody: true, context).whenComplete { [self, context] in
      answered($0, context)
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case ChannelEvent.inputClosed:
      // Who has said all may still listen, but one who has gone looks the same: nothing is waited for.
      presence.end()
      if isAnswering { isLastRead = true } else if !isSlow || !isEnded { end(context) }
    case is ChannelShouldQuiesceEvent:
      if isAnswering || head != nil { closeAfterAnswer() } else { end(context) }
    default: context.fireUserInboundEventTriggered(event)
    }
  }

  private func closeAfterAnswer() { (isLastRead, dropsRest, pipelined) = (true, true, CircularBuffer()) }

  private func end(_ context: ChannelHandlerContext) {
    isEnded = true
    context.close(promise: nil)
  }

  private func endLingering(_ context: ChannelHandlerContext) {
    isEnded = true
    context.close(mode: .output, promise: nil)
    if readIsHeld, !isDeaf { context.read() }
    idling?.cancel()
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    idling = context.eventLoop.scheduleTask(in: Self.linger) { bound.value.close(promise: nil) }
  }

  func handlerAdded(context: ChannelHandlerContext) { watch(context, options.idle) }

  func handlerRemoved(context: ChannelHandlerContext) {
    idling?.cancel()
    presence.end()
  }

  private func watch(_ context: ChannelHandlerContext, _ amount: TimeAmount) {
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    idling = context.eventLoop.scheduleTask(in: amount) {
      let (exchange, context) = bound.value
      let rest = exchange.rest
      if rest > .zero {
        exchange.watch(context, rest)
      } else if exchange.isWriting {
        exchange.end(context)
      } else {
        exchange.giveUp(context)
      }
    }
  }

  /// The time that the client has left to do what is its turn.
  private var rest: TimeAmount {
    if isAnswering, !isWriting { return options.idle }
    let now = NIODeadline.now()
    let idle = lastHeard + options.idle - now
    let isArriving = !isAnswering && (head != nil || discarded != nil)
    return isArriving ? min(idle, begunAt + options.arrival - now) : idle
  }

  /// Ends a connection on which nothing comes, or too little. The decoder is told as if the client had: a request that
  /// is cut off by that is an error of its own, and is answered.
  private func giveUp(_ context: ChannelHandlerContext) {
    isSlow = true
    guard let decoder = try? context.pipeline.syncOperations.context(handlerType: Decoder.self),
      let handler = decoder.handler as? Decoder
    else { return end(context) }
    handler.userInboundEventTriggered(context: decoder, event: ChannelEvent.inputClosed)
    if !isEnded { watch(context, options.idle) }
  }
}
