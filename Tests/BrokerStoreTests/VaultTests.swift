import BrokerDomain
import Foundation
import GRDB
import Glibc
import TestSupport
import Testing

@testable import BrokerStore

/// What endpoints keep secret is under the data key wherever it lies on the disk.
@Suite struct VaultTests {
  private static let first = Array("the first secret, 32 bytes long..".utf8)
  private static let second = Array("the second secret, 32 bytes also.".utf8)
  private static let key = "-----BEGIN PRIVATE KEY----- not really one"

  /// The database and its log, as they lie there.
  private static func holds(_ fixture: Fixture, _ needle: [UInt8]) -> Bool {
    ["", "-wal", "-shm"].contains { suffix in
      guard let data = FileManager.default.contents(atPath: fixture.database + suffix) else { return false }
      return data.range(of: Data(needle)) != nil
    }
  }

  private static func add(_ store: Store) async throws -> Endpoint {
    let organ = try store.number(.requester)
    return try await store.write { context in
      var endpoint = Endpoint(
        id: try context.newID(), organ: organ, url: "https://example.org/hook", events: ["*"], body: .thin,
        description: "findable", secret: Self.first, createdAt: context.now)
      endpoint.signatures = [.v1, .v1sm3]
      endpoint.format = .cloudevents
      endpoint.tls = EndpointTLS(authorities: "an authority", certificate: "a certificate", key: Self.key)
      try context.insert(endpoint)
      return endpoint
    }
  }

  @Test func secretsAreNowhereInTheFileNorItsLog() async throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    var endpoint = try await Self.add(store)
    #expect(try await store.endpoint(endpoint.id)?.endpoint == endpoint)
    #expect(endpoint.rotate(to: Self.second, now: store.clock.now, oldUntil: store.clock.now + 60_000) == nil)
    let rotated = endpoint
    try await store.write { try $0.update(rotated) }
    #expect(try await store.endpoint(endpoint.id)?.endpoint == rotated)
    #expect(try store.endpoint(key: endpoint.id.key) == rotated)
    for isOpen in [true, false] {
      if !isOpen { store.close() }
      #expect(Self.holds(fixture, Array("findable".utf8)), "the search finds what is there")
      for secret in [Self.first, Self.second, Array(Self.key.utf8)] { #expect(!Self.holds(fixture, secret)) }
    }
  }

  /// A database of the version before: rows are kept, and sealed as the daemon starts.
  @Test func plainSecretsAreSealedAtTheStart() async throws {
    let fixture = try Fixture(bare: ())
    let queue = try DatabaseQueue(path: fixture.database)
    try Schema.migrator.migrate(queue, upTo: "1 the spine")
    try await queue.write { db in
      try db.execute(
        sql: """
          INSERT INTO organ VALUES (1, '11320681014260292T', '启东市民政局', '市民政局', '320681', NULL, 'member');
          INSERT INTO endpoint (key, tail, organ, url, events, body, secret, previous_secret, previous_until, enabled,
            created_at, deleted_at)
          VALUES (4096, 1, 1, 'https://a.example', '*', 'thin', :first, :second, 5, 1, 1, NULL),
            (8192, 1, 1, 'https://b.example', '*', 'full', :second, NULL, NULL, 1, 1, 9)
          """, arguments: ["first": Data(Self.first), "second": Data(Self.second)])
    }
    try queue.close()
    #expect(Self.holds(fixture, Self.first) && Self.holds(fixture, Self.second))
    for _ in 0..<2 {
      let store = try fixture.open()
      let endpoint = try #require(try store.endpoint(key: 4096))
      #expect(endpoint.secret == Self.first)
      #expect(endpoint.oldSecrets == [OldSecret(secret: Self.second, until: Instant(milliseconds: 5))])
      #expect(endpoint.signatures == [.v1] && endpoint.format == .standard && endpoint.tls == nil)
      #expect(endpoint.url == "https://a.example" && endpoint.enabled)
      #expect(try store.counts().first { $0.table == "endpoints" }?.rows == 1)
      #expect(!Self.holds(fixture, Self.first) && !Self.holds(fixture, Self.second))
      store.close()
      #expect(!Self.holds(fixture, Self.first) && !Self.holds(fixture, Self.second))
    }
    var file = stat()
    #expect(stat(DataKey.path(fixture.directory), &file) == 0 && file.st_mode & 0o777 == 0o600 && file.st_size == 32)
  }

  @Test func lostKeyIsNamedAndNeverReplacedByItself() async throws {
    let fixture = try Fixture()
    let id = try await fixture.life { try await Self.add($0).id }
    try FileManager.default.removeItem(atPath: DataKey.path(fixture.directory))
    let error = await failure { try fixture.open().close() }
    guard case .wrongMode(let words) = error else { throw StoreError.unexpected("\(String(describing: error))") }
    #expect(words.contains("data.key is missing, and 1 endpoint cannot do without it"))
    #expect(words.contains("xiecha key renew-data"))
    #expect(!Fixture.exists(DataKey.path(fixture.directory)))

    // What needs no secret goes on.
    let command = try fixture.open(.command)
    try command.backup(to: fixture.directory + "/copy.sqlite")
    #expect(try command.verify() == [])
    #expect(await failure { _ = try command.checkDataKey() } == error)
    #expect(await failure { _ = try await command.endpoint(id) } != nil)
    // A new key without the secrets sealed under it would stand in the way of the next attempt.
    try command.plant("CREATE TRIGGER full BEFORE UPDATE ON endpoint BEGIN SELECT RAISE(ABORT, 'full'); END")
    #expect(await failure { _ = try command.renewDataKey() } != nil)
    #expect(!Fixture.exists(DataKey.path(fixture.directory)))
    try command.plant("DROP TRIGGER full")
    #expect(try command.renewDataKey() == 1)
    #expect(await failure { _ = try command.renewDataKey() } != nil, "there is one now")
    command.close()
    try await fixture.life { store in
      let found = try #require(try await store.endpoint(id)?.endpoint)
      #expect(!found.enabled && found.disabledReason?.contains("rotate the secret") == true)
      #expect(found.secret != Self.first && found.secret.count == 32 && found.tls == nil)
      #expect(try store.checkDataKey())
    }
  }

  @Test func keyOfAnotherDatabaseIsRefused() async throws {
    let fixture = try Fixture()
    _ = try await fixture.life { try await Self.add($0) }
    try Data(repeating: 9, count: 32).write(to: URL(fileURLWithPath: DataKey.path(fixture.directory)))
    chmod(DataKey.path(fixture.directory), 0o600)
    let error = await failure { try fixture.open().close() }
    #expect(error?.description.contains("is not the key of this database, without which 1 endpoint cannot do") == true)
  }

  enum Spoiled: CaseIterable { case open, short, long, directory, link, another }

  @Test(arguments: Spoiled.allCases) func spoiledFileIsNamed(_ how: Spoiled) async throws {
    let fixture = try Fixture()
    try fixture.open().close()
    let path = DataKey.path(fixture.directory)
    let words: String
    switch how {
    case .open: (words, _) = ("is open to others (mode 640); chmod 600", chmod(path, 0o640))
    case .short: (words, _) = ("has 32 bytes", truncate(path, 31))
    case .long: (words, _) = ("has 32 bytes", truncate(path, 33))
    case .directory: (words, _, _) = ("is not a file", unlink(path), mkdir(path, 0o700))
    case .link: (words, _, _) = ("data.key: ", rename(path, path + "2"), symlink(path + "2", path))
    case .another:
      // Only root can give a file away.
      guard geteuid() == 0 else { return }
      (words, _) = ("belongs to user 12345", chown(path, 12345, 12345))
    }
    let error = await failure { try fixture.open().close() }
    #expect(error?.description.contains(words) == true, "\(String(describing: error))")
  }

  @Test func nothingNeedsAKeyWithoutEndpoints() throws {
    let fixture = try Fixture()
    let command = try fixture.open(.command)
    #expect(try !command.checkDataKey())
    command.close()
    try fixture.open().close()
    try FileManager.default.removeItem(atPath: DataKey.path(fixture.directory))
    try fixture.open().close()
    #expect(try #require(try DataKey.read(fixture.directory)).count == 32)
  }

  /// Whoever can write the file, but has no key, cannot put one endpoint's secret in another's place.
  @Test func movedValueDoesNotOpen() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let (one, other) = (try await Self.add(store), try await Self.add(store))
    try store.plant(
      "UPDATE endpoint SET secret = (SELECT secret FROM endpoint WHERE key = ?) WHERE key = ?",
      [one.id.key, other.id.key])
    #expect(try await store.endpoint(one.id)?.endpoint == one)
    let moved = try #require(try await store.endpoint(other.id)?.endpoint)
    #expect(moved.isSecretLost && moved.secret.isEmpty && moved.loss != nil)
    try store.plant(
      "INSERT INTO endpoint_old_secret SELECT key, 0, secret, 1 FROM endpoint WHERE key = ?", [one.id.key])
    #expect(try await store.endpoint(one.id)?.endpoint == one, "it does not sign")
  }

  /// What does not open stays as it is until something new takes its place; its owner can see it, change it and delete it.
  @Test func whatDoesNotOpenIsReplaced() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let (bad, good) = (try await Self.add(store), try await Self.add(store))
    try store.plant("UPDATE endpoint SET secret = zeroblob(60), tls_key = zeroblob(60) WHERE key = ?", [bad.id.key])
    let listed = try await store.endpoints(of: bad.organ, cursor: nil, limit: 10).items.map(\.endpoint)
    #expect(listed.map(\.id) == [bad.id, good.id] && listed.map { $0.loss == nil } == [false, true])
    var endpoint = try #require(listed.first)
    endpoint.url = "https://example.org/other"
    try await store.write { [endpoint] in try $0.update(endpoint) }
    #expect(try store.endpoint(key: bad.id.key) == endpoint)
    let kept = "SELECT count(*) FROM endpoint WHERE secret = zeroblob(60) AND tls_key = zeroblob(60)"
    #expect(try store.scalar(kept) == 1)
    #expect(endpoint.rotate(to: Self.second, now: store.clock.now, oldUntil: store.clock.now + 60_000) == nil)
    try await store.write { [endpoint] in try $0.update(endpoint) }
    let rotated = try #require(try store.endpoint(key: bad.id.key))
    #expect(rotated == endpoint && rotated.signingSecrets(now: store.clock.now) == [Self.second])
    #expect(rotated.loss?.en.contains("client key") == true)
    endpoint.tls = good.tls
    try await store.write { [endpoint] in try $0.update(endpoint) }
    #expect(try store.endpoint(key: bad.id.key) == endpoint && endpoint.loss == nil)
    try store.plant("UPDATE endpoint SET secret = zeroblob(60) WHERE key = ?", [bad.id.key])
    try await store.write { context in
      guard let endpoint = try context.endpoint(bad.id) else { throw StoreError.notFound }
      try context.delete(endpoint)
    }
    #expect(try await store.endpoints(of: bad.organ, cursor: nil, limit: 10).items.map(\.endpoint.id) == [good.id])
  }

  @Test func keyIsNotInWhatIsPrinted() {
    let tls = EndpointTLS(authorities: nil, certificate: "a certificate", key: Self.key)
    var dumped = ""
    dump(tls, to: &dumped)
    #expect(!"\(tls) \(String(reflecting: [tls])) \(dumped)".contains("PRIVATE"))
  }

  /// Each of them signs until its own moment; there is room for four.
  @Test func everyOldSecretSignsUntilItsOwnMoment() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    var endpoint = try await Self.add(store)
    let start = store.clock.now
    let secrets = (0..<6).map { [UInt8](repeating: UInt8($0), count: 32) }
    for (hour, secret) in secrets.prefix(4).enumerated() {
      let now = start + Int64(hour) * 3_600_000
      #expect(endpoint.rotate(to: secret, now: now, oldUntil: now + 86_400_000) == nil)
    }
    let changed = endpoint
    try await store.write { try $0.update(changed) }
    #expect(try store.endpoint(key: endpoint.id.key) == changed)
    #expect(endpoint.signingSecrets(now: start) == [secrets[3], secrets[2], secrets[1], secrets[0], Self.first])
    #expect(endpoint.rotate(to: secrets[4], now: start, oldUntil: start) == start + 86_400_000)
    #expect(endpoint == changed)
    #expect(endpoint.nextEnd(now: start) == start + 86_400_000)
    #expect(endpoint.signingSecrets(now: start + 86_400_000) == [secrets[3], secrets[2], secrets[1], secrets[0]])
    #expect(endpoint.rotate(to: secrets[4], now: start + 86_400_000, oldUntil: start + 2 * 86_400_000) == nil)
    try await store.write { try $0.delete(changed) }
    #expect(try store.scalar("SELECT count(*) FROM endpoint_old_secret") == 0)
  }

  @Test func migrationIsAsItShipped() throws {
    #expect(Schema.endpointSecurity == GoldenSchema.endpointSecurity)
    #expect(Schema.migrator.migrations.contains("6 endpoint security"))
    #expect(Schema.oldSecrets.hasPrefix(GoldenSchema.endpointOldSecret))
    #expect(Schema.migrator.migrations.contains("21 old secrets of endpoints"))
  }

  static let violations: [(sql: String, about: String)] = [
    ("UPDATE endpoint SET signatures = 'v1sm3'", "signatures"), ("UPDATE endpoint SET format = 'xml'", "format"),
    ("UPDATE endpoint SET sealed = 2", "sealed"), ("UPDATE endpoint SET tls_key = NULL", "tls_key"),
  ]

  @Test(arguments: violations) func checksBite(_ row: (sql: String, about: String)) async throws {
    let store = try Fixture().open()
    defer { store.close() }
    _ = try await Self.add(store)
    let error = #expect(throws: DatabaseError.self) { try store.plant(row.sql) }
    #expect(error?.message?.contains(row.about) == true)
  }
}
