internal import Glibc
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOHTTP1

/// What a connection speaks: HTTP/1.1 as SwiftNIO decodes it, and `Exchange` above it. The library's channel hands every
/// part of a message from one task to another, which costs more than reading and parsing it.
struct HTTPChannel: ServerChildChannel {
  struct Value: ServerChildChannelValue {
    let channel: any Channel
  }

  private static let headerBytes = 65_536
  private static let headerFields = 256
  /// What the system takes of an answer beyond what the client has room for. Without it that is megabytes, of which a
  /// third must go before it takes more: of a client that reads slowly nothing would be heard for that long.
  private static let unsentBytes = 256 << 10

  let options: Exchange.Options
  let answering: any Answering

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    channel.eventLoop.makeCompletedFuture {
      try channel.syncOptions?.setOption(.tcpOption(.init(rawValue: TCP_NOTSENT_LOWAT)), value: Self.unsentBytes)
      var limits = NIOHTTPDecoderLimitConfiguration()
      limits.maxHeaderFieldSize = Self.headerBytes
      limits.maxHeaderListSize = Self.headerBytes
      limits.maxHeaderFieldCount = Self.headerFields
      try channel.pipeline.syncOperations.addHandler(
        Exchange.Decoder(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits)))
      try channel.pipeline.syncOperations.addHandler(Exchange(options: options, answering: answering, on: channel))
      return Value(channel: channel)
    }
  }

  func handle(value: Value, logger: Logger) async {
    await withTaskCancellationHandler {
      _ = try? await value.channel.closeFuture.get()
    } onCancel: {
      value.channel.close(promise: nil)
    }
  }
}
