internal import BrokerDomain
internal import BrokerStore
internal import HTTPTypes

/// Replies that show a signing secret. They are kept for their repetition without it, for a kept reply outlives the
/// secret; on repetition it is taken from the endpoint while that still has the same one.
extension EndpointRoutes {
  private static let noSecret = Array("\"secret\":null".utf8)

  /// How deliveries to an endpoint stand.
  struct Figures: Sendable {
    var pending = 0
    var lastDeliveredAt: Instant?
    var health: EndpointHealth?
  }

  enum Rotation {
    case done(Reply)
    case notBefore(Instant)
  }

  /// Nothing is signed for an endpoint of which nobody has the secret.
  static func secretLost(_ then: String, _ thenEn: String) -> Problem {
    Problem(
      .conflict, "secret-lost", "该地址的密钥已丢失，请先更换密钥（rotate），\(then)",
      "the secret of this endpoint was lost: rotate it first, \(thenEn)")
  }

  /// - Parameter until: when the secret before it stops signing; nil for the first.
  private static func body(_ endpoint: Endpoint, _ figures: Figures, secret: String?, until: Instant?) -> [UInt8] {
    Reply { w in
      write(&w, endpoint, pending: figures.pending, lastDeliveredAt: figures.lastDeliveredAt, figures.health)
      w.string("secret", secret)
      if let until { w.string("oldSecretValidUntil", until.rfc3339) }
    }.body
  }

  private static func reply(_ endpoint: Endpoint, _ figures: Figures, secret: String?, until: Instant?) -> KeptReply {
    KeptReply(
      status: until == nil ? 201 : 200, request: nil,
      headers: until == nil ? ["Location: /v1/endpoints/\(endpoint.id)"] : [],
      body: body(endpoint, figures, secret: secret, until: until))
  }

  /// The reply to whoever made the secret; what is kept of it has a null for the secret.
  func show(
    _ endpoint: Endpoint, _ figures: Figures, until: Instant? = nil, keptFor claim: IdempotencyClaim?,
    _ context: WriteContext
  ) throws -> Reply {
    if let claim { try context.keep(Self.reply(endpoint, figures, secret: nil, until: until), for: claim) }
    let secret = broker.machinery.secretText(endpoint.secret)
    return Reply(Self.reply(endpoint, figures, secret: secret, until: until), replayed: false)
  }

  /// The kept reply with its secret, or with null when the endpoint has another by now, or none that anybody knows, or is gone.
  func showAgain(_ kept: KeptReply, _ context: WriteContext) throws -> Reply {
    guard let json = try? JSON.parse(kept.body), let id = json["id"]?.stringValue.flatMap({ EntityID($0) }),
      let endpoint = try context.endpoint(id), !endpoint.isSecretLost, !endpoint.isDataKeyLost,
      endpoint.rotatedAt?.rfc3339 == json["secretRotatedAt"]?.stringValue
    else { return Reply(kept) }
    var w = JSONWriter(capacity: 64)
    w.string("secret", broker.machinery.secretText(endpoint.secret))
    return Reply(
      KeptReply(
        status: kept.status, request: nil, headers: kept.headers,
        body: kept.body.replacing(Self.noSecret, with: w.bytes, maxReplacements: 1)))
  }
}
