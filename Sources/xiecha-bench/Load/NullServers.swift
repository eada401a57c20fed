internal import BrokerDomain
internal import BrokerWeb
internal import HTTPTypes
internal import Hummingbird
internal import HummingbirdCore
internal import Logging
internal import NIOCore

/// What a Swift server costs that does nothing: reads the body, if there is one, decodes it and answers 1.5 KB.
enum NullServer: String, CaseIterable {
  /// Hummingbird as its guide has it: tasks run where Swift puts them, and the body is decoded into a structure. The
  /// goals come from such a one.
  case stock
  /// The same HTTP as cheap as we can make it: tasks on the event loop, and the body read by our own parser. The
  /// broker's own channel is leaner (`Exchange`).
  case lean

  func start() async throws -> Running {
    let reply = ByteBuffer(bytes: Array("{\"text\":\"".utf8) + Array(repeating: 120, count: 1488) + Array("\"}".utf8))
    let router = Router()
    @Sendable func answer(_ status: HTTPResponse.Status) -> Response {
      var headers = HTTPFields()
      headers[.contentType] = "application/json"
      return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: reply))
    }
    router.get("/null") { _, _ in answer(.ok) }
    switch self {
    case .stock:
      router.post("/null") { request, context in
        let body = try await request.decode(as: VerificationBody.self, context: context)
        guard body.procedure == "verification" else { throw HTTPError(.badRequest) }
        return answer(.created)
      }
    case .lean:
      router.post("/null") { request, _ in
        let body = try await request.body.collect(upTo: 262_144)
        guard case .object = try JSON.parse(Array(buffer: body)) else { throw HTTPError(.badRequest) }
        return answer(.created)
      }
    }
    return try await Running { listening in
      Application(
        router: router,
        server: self == .stock ? .http1() : HTTPServerBuilder { OnEventLoop(base: HTTP1Channel(responder: $0)) },
        configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0), serverName: nil),
        onServerRunning: { channel in await listening(channel.localAddress?.port ?? 0) }, logger: .quiet)
    }
  }
}

/// Hummingbird's channel with its tasks on the event loop, where they cost least.
private struct OnEventLoop: ServerChildChannel {
  let base: HTTP1Channel

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
    base.setup(channel: channel, logger: logger)
  }

  func handle(value: HTTP1Channel.Value, logger: Logger) async {
    await withTaskExecutorPreference(LoopExecutor(value.channel.eventLoop)) {
      await base.handle(value: value, logger: logger)
    }
  }
}

/// What `Samples` posts, as a program would declare it that has a structure decoded.
private struct VerificationBody: Decodable {
  struct Subject: Decodable { let kind, name, idType, idNumber: String }
  struct Commitment: Decodable {
    let number, signedOn: String
    let byAgent: Bool
  }
  struct Question: Decodable { let id, text, asOf: String }
  struct Contact: Decodable { let name, phone: String }

  let procedure, item, to: String
  let subject: Subject
  let commitment: Commitment
  let questions: [Question]
  let purpose, basis, reason, reference: String
  let contact: Contact
  let signatory, urgency: String
  let data: [String: String]
}
