package import BrokerDomain
internal import GRDB

/// A place to which an organ wants its events pushed.
package struct Endpoint: Sendable, Equatable {
  package enum Body: String, Sendable, CaseIterable { case thin, full }

  package let id: EntityID
  /// Organ number.
  package let organ: Int64
  package var url: String
  /// Event types, or `*`.
  package var events: [String]
  package var body: Body
  package var description: String?
  package var secret: [UInt8]
  /// It does not open under the data key and is empty here: nothing can be signed until there is a new one.
  package internal(set) var isSecretLost = false
  /// Those of before, newest first.
  package var oldSecrets: [OldSecret] = []
  package var enabled: Bool
  package var disabledReason: String?
  package let createdAt: Instant
  package var rotatedAt: Instant?
  package var signatures: [Signature] = [.v1]
  package var format: Format = .standard
  package var tls: EndpointTLS?

  package init(
    id: EntityID, organ: Int64, url: String, events: [String], body: Body, description: String?,
    secret: [UInt8], createdAt: Instant
  ) {
    self.id = id
    self.organ = organ
    self.url = url
    self.events = events
    self.body = body
    self.description = description
    self.secret = secret
    self.enabled = true
    self.createdAt = createdAt
  }

  /// Columns in the order of `EndpointSQL.get`; without its old secrets.
  fileprivate init(_ row: SQLRow, _ vault: Vault) throws {
    let id = EntityID(key: row.int(0), tail: row.int(1))
    self.id = id
    organ = row.int(2)
    url = row.text(3)
    events = row.text(4).split(separator: " ").map(String.init)
    body = Body(rawValue: row.text(5)) ?? .thin
    description = row.optionalText(6)
    let opened = row.int(12) == 1 ? try vault.openWhole(row.bytes(7), .secret, of: id) : row.bytes(7)
    (secret, isSecretLost) = (opened ?? [], opened == nil)
    enabled = row.int(8) == 1
    disabledReason = row.optionalText(9)
    createdAt = Instant(milliseconds: row.int(10))
    rotatedAt = row.optionalInt(11).map { Instant(milliseconds: $0) }
    signatures = row.text(13).split(separator: " ").compactMap { Signature(rawValue: String($0)) }
    format = Format(rawValue: row.text(14)) ?? .standard
    tls = try EndpointTLS(row, from: 15, vault, id)
  }
}

extension Endpoint {
  /// The reason of an endpoint that its organ switched off: what happens then is not for it.
  package static let switchedOffByOrgan = "已由本机关停用 / switched off by its organ"
  /// Of what was tried and not delivered before it was deleted.
  static let deletedReason = "接收地址已删除 / the endpoint was deleted"
  /// Of one whose secret went with the data key: until it has another, nothing can be sent that its receiver could verify.
  static let dataKeyLost = "数据密钥丢失：请更换密钥后重新启用 / the data key was lost: rotate the secret, then enable"
  package var isDataKeyLost: Bool { disabledReason == Self.dataKeyLost }
  static let secretReplaced = "密钥已更换，可以启用 / the secret was rotated; it may be enabled"
  /// As rows of before have it.
  static let switchedOffByOrganBefore = "switched off by its organ"
}

/// What the writer needs to know of an endpoint to decide whether it is owed an event.
struct EndpointTarget {
  enum Standing: Int64 {
    /// Its organ wants nothing pushed there.
    case off
    case on
    /// The broker switched it off: its organ goes on waiting for its answers, which are kept until it is on again.
    case held
  }

  let key: Int64
  let events: Set<String>
  let standing: Standing

  func wants(_ type: String) -> Bool { events.contains("*") || events.contains(type) }

  /// By organ; of all endpoints that are not deleted.
  static func loadAll(_ db: Database) throws -> [Int64: [EndpointTarget]] {
    var targets: [Int64: [EndpointTarget]] = [:]
    try db.each(EndpointSQL.targets, [.text(Endpoint.switchedOffByOrgan), .text(Endpoint.switchedOffByOrganBefore)]) {
      row in
      targets[row.int(1), default: []].append(
        EndpointTarget(
          key: row.int(0), events: Set(row.text(2).split(separator: " ").map(String.init)),
          standing: Standing(rawValue: row.int(3)) ?? .on))
    }
    return targets
  }
}

enum EndpointSQL: String, CaseIterable {
  case get = """
    SELECT key, tail, organ, url, events, body, description, secret, enabled,
      disabled_reason, created_at, rotated_at, sealed, signatures, format, tls_ca, tls_certificate, tls_key,
      tls_shown
    FROM endpoint WHERE key = $1 AND deleted_at IS NULL
    """
  case plain = "SELECT count(*) FROM endpoint WHERE deleted_at IS NULL AND url LIKE 'http://%'"
  case list = """
    SELECT key, tail, organ, url, events, body, description, secret, enabled,
      disabled_reason, created_at, rotated_at, sealed, signatures, format, tls_ca, tls_certificate, tls_key,
      tls_shown
    FROM endpoint WHERE organ = $1 AND deleted_at IS NULL AND key > $2 ORDER BY key LIMIT $3
    """
  /// As `EndpointTarget.Standing` counts.
  case targets = """
    SELECT key, organ, events,
      CASE WHEN enabled = 1 THEN 1 WHEN disabled_reason IS NULL OR disabled_reason IN ($1, $2) THEN 0 ELSE 2 END
    FROM endpoint WHERE deleted_at IS NULL
    """
  case insert = """
    INSERT INTO endpoint (key, tail, organ, url, events, body, description, secret, enabled, created_at, sealed,
      signatures, format, tls_ca, tls_certificate, tls_key, tls_shown)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, 1, $10, $11, $12, $13, $14, $15)
    """
  /// What does not open stays as it is, until something new takes its place.
  case update = """
    UPDATE endpoint SET url = $1, events = $2, body = $3, description = $4, secret = coalesce($5, secret), enabled = $6,
      disabled_reason = $7, rotated_at = $8, sealed = 1, signatures = $9, format = $10, tls_ca = $11,
      tls_certificate = $12, tls_key = iif($13, tls_key, $14), tls_shown = $15
    WHERE key = $16
    """
  case delete = "UPDATE endpoint SET deleted_at = $1, enabled = 0 WHERE key = $2"
  case isDeleted = "SELECT 1 FROM endpoint WHERE key = $1 AND deleted_at IS NOT NULL"
  case countOfOrgan = "SELECT count(*) FROM endpoint WHERE organ = $1 AND deleted_at IS NULL"
  case pending = "SELECT count(*) FROM outbox WHERE endpoint = $1"
  case lastDelivered = """
    SELECT finished_at FROM delivery WHERE endpoint = $1 AND state = 'delivered' ORDER BY seq DESC LIMIT 1
    """
}

extension WriteContext {
  /// More endpoints than this for one organ is a mistake.
  package static let endpointsPerOrgan = 100

  package func insert(_ endpoint: Endpoint) throws {
    try db.run(
      EndpointSQL.insert, .int(endpoint.id.key), .int(endpoint.id.tail), .int(endpoint.organ),
      .text(endpoint.url), .text(endpoint.events.joined(separator: " ")),
      .text(endpoint.body.rawValue), .optionalText(endpoint.description),
      .blob(try vault.seal(endpoint.secret, .secret, of: endpoint.id)), .int(endpoint.createdAt.milliseconds),
      .text(endpoint.signatureList), .text(endpoint.format.rawValue), .optionalText(endpoint.tls?.authorities),
      .optionalText(endpoint.tls?.certificate), .optionalBlob(try sealedKey(endpoint)),
      .optionalText(endpoint.tls?.shownText))
    endpointsChanged()
  }

  package func endpointCount(organ: Int64) throws -> Int {
    try db.first(EndpointSQL.countOfOrgan, .int(organ)) { Int($0.int(0)) } ?? 0
  }

  package func endpoint(_ id: EntityID) throws -> Endpoint? {
    try Endpoint.load(id, db, vault)
  }

  package func update(_ endpoint: Endpoint) throws {
    if !endpoint.enabled, try !db.isOff(endpoint.id.key) { offMoments.note(endpoint.id.key, at: now) }
    try db.run(
      EndpointMarkSQL.begin, .int(endpoint.id.key), .text(endpoint.url), .int(endpoint.enabled ? 1 : 0))
    try db.run(
      EndpointSQL.update, .text(endpoint.url),
      .text(endpoint.events.joined(separator: " ")), .text(endpoint.body.rawValue),
      .optionalText(endpoint.description),
      .optionalBlob(endpoint.isSecretLost ? nil : try vault.seal(endpoint.secret, .secret, of: endpoint.id)),
      .int(endpoint.enabled ? 1 : 0), .optionalText(endpoint.disabledReason),
      .optionalInt(endpoint.rotatedAt?.milliseconds), .text(endpoint.signatureList), .text(endpoint.format.rawValue),
      .optionalText(endpoint.tls?.authorities), .optionalText(endpoint.tls?.certificate),
      .int(endpoint.tls?.isKeyLost == true ? 1 : 0), .optionalBlob(try sealedKey(endpoint)),
      .optionalText(endpoint.tls?.shownText), .int(endpoint.id.key))
    try writeOldSecrets(of: endpoint)
    endpointsChanged()
  }

  private func sealedKey(_ endpoint: Endpoint) throws -> [UInt8]? {
    try endpoint.tls?.key.map { try vault.seal(Array($0.utf8), .tlsKey, of: endpoint.id) }
  }

  /// What was still owed to it is owed no more, and its rows go afterwards (`DeletedQueues.swift`). What was delivered or
  /// tried stays on record, and so does what comes of an attempt that is on the wire now.
  package func delete(_ endpoint: Endpoint) throws {
    let key = SQLValue.int(endpoint.id.key)
    try db.run(UndeliveredSQL.taken, key)
    try db.run(EndpointSQL.delete, .int(now.milliseconds), key)
    try db.run(OldSecretSQL.drop, key)
    endpointsChanged()
  }
}

extension Endpoint {
  fileprivate var signatureList: String { signatures.map(\.rawValue).joined(separator: " ") }

  fileprivate static func load(_ id: EntityID, _ db: Database, _ vault: Vault) throws -> Endpoint? {
    let endpoint = try load(key: id.key, db, vault)
    return endpoint?.id == id ? endpoint : nil
  }

  static func load(key: Int64, _ db: Database, _ vault: Vault) throws -> Endpoint? {
    var endpoint = try db.first(EndpointSQL.get, .int(key)) { try Endpoint($0, vault) }
    try endpoint?.readOldSecrets(db, vault)
    return endpoint
  }
}

/// An endpoint with what its owner wants to see beside it.
package struct EndpointStatus: Sendable {
  package let endpoint: Endpoint
  package let pending: Int
  package let lastDeliveredAt: Instant?

  fileprivate init(_ endpoint: Endpoint, _ db: Database) throws {
    self.endpoint = endpoint
    pending = try db.first(EndpointSQL.pending, .int(endpoint.id.key)) { Int($0.int(0)) } ?? 0
    lastDeliveredAt = try db.first(EndpointSQL.lastDelivered, .int(endpoint.id.key)) {
      Instant(milliseconds: $0.int(0))
    }
  }
}

extension Store {
  package func endpoint(_ id: EntityID) async throws(StoreError) -> EndpointStatus? {
    let vault = vault
    return try await read { db in try Endpoint.load(id, db, vault).map { try EndpointStatus($0, db) } }
  }

  /// How many endpoints have an address without TLS.
  package func plainEndpoints() throws(StoreError) -> Int {
    try readNow { db in try db.first(EndpointSQL.plain) { Int($0.int(0)) } ?? 0 }
  }

  package func endpoints(of organ: Int64, cursor: Int64?, limit: Int) async throws(StoreError)
    -> Page<EndpointStatus>
  {
    let vault = vault
    return try await read { db in
      let rows = try db.all(
        EndpointSQL.list, .int(organ), .int(cursor ?? 0), .int(Int64(limit + 1))
      ) { try Endpoint($0, vault) }
      let page = rows.prefix(limit)
      return Page(
        items: try page.map { endpoint in
          var endpoint = endpoint
          try endpoint.readOldSecrets(db, vault)
          return try EndpointStatus(endpoint, db)
        },
        next: rows.count > limit ? page.last?.id.key : nil)
    }
  }
}
