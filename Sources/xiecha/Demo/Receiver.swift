internal import BrokerCallbacks
internal import BrokerDomain
internal import BrokerStore
internal import HTTPTypes
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import ServiceLifecycle
internal import Synchronization

/// A small callback receiver, as a department would write one: checks the signature, remembers the message, answers 204.
final class Receiver: Sendable {
  struct Message: Sendable {
    /// The path at which it came in.
    let name: String
    let type: String
    let request: String
    let signed: Bool
    let body: JSON
    let atMicroseconds: Int64
  }

  private struct State {
    var messages: [Message] = []
    var secrets: [String: WebhookSecret] = [:]
  }

  private let state = Mutex(State())
  private let port = Mutex(0)

  var url: String { "http://127.0.0.1:\(port.withLock { $0 })" }

  static func start() async throws -> Receiver {
    let receiver = Receiver()
    let http = HTTP1Channel { request, writer, _ in
      var body = try await request.body.collect(upTo: 1 << 20)
      let signed = receiver.take(
        String(request.uri.path.dropFirst()), request.headers, body.readBytes(length: body.readableBytes) ?? [])
      try await writer.writeResponse(HTTPResponse(status: signed ? .noContent : .unauthorized))
    }
    let wake = WakeUp()
    var logger = Logger(label: "receiver")
    logger.logLevel = .error
    let server = http.server(
      configuration: ServerConfiguration(address: .hostname("127.0.0.1", port: 0)),
      onServerRunning: { channel in
        receiver.port.withLock { $0 = channel.localAddress?.port ?? 0 }
        wake.signal()
      }, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
    Task { try await server.run() }
    await wake.wait(milliseconds: 10_000)
    return receiver
  }

  func trust(_ name: String, secret: String) throws {
    let secret = try WebhookSecret(text: secret)
    state.withLock { $0.secrets[name] = secret }
  }

  /// Standard Webhooks: the signature is over `id.timestamp.body`, and a stale timestamp is refused.
  private func take(_ name: String, _ headers: HTTPFields, _ body: [UInt8]) -> Bool {
    func header(_ name: String) -> String { HTTPField.Name(name).flatMap { headers[$0] } ?? "" }
    guard let secret = state.withLock({ $0.secrets[name] }), let timestamp = Int64(header("webhook-timestamp")) else {
      return false
    }
    let expected = WebhookSigner(secrets: [secret]).signature(
      id: header("webhook-id"), timestamp: timestamp, body: body)
    let fresh = abs(BrokerClock.wall.milliseconds / 1000 - timestamp) < 300
    let signed = fresh && header("webhook-signature").split(separator: " ").contains { $0 == expected }
    let json = try? JSON.parse(body)
    let message = Message(
      name: name, type: json?["type"]?.stringValue ?? "", request: json?["data"]?["request"]?.stringValue ?? "",
      signed: signed, body: json ?? .null,
      atMicroseconds: monotonicMicroseconds())
    state.withLock { $0.messages.append(message) }
    return signed
  }

  /// What has come in at a path about a request, in order; a message that was sent again counts once.
  func received(_ name: String, about request: String) -> [Message] {
    var seen: Set<Int> = []
    return state.withLock { $0.messages }.filter { message in
      message.name == name && message.request == request
        && seen.insert(message.body["data"]?["seq"]?.intValue ?? 0).inserted
    }
  }

  /// Waits up to ten seconds for a message about a request.
  func wait(_ type: String, _ request: String) async throws -> Message {
    for _ in 0..<1000 {
      let found = state.withLock { $0.messages.first { $0.type == type && $0.request == request } }
      if let found {
        guard found.signed else { throw Failure(text: "回调 \(type) 的签名无效 / the signature of \(type) is wrong") }
        return found
      }
      try await Task.sleep(for: .milliseconds(10))
    }
    throw Failure(text: "没有收到请求 \(request) 的回调 \(type) / no callback \(type) arrived for \(request)")
  }
}
