internal import BrokerDomain
internal import Crypto
internal import GRDB

/// Seals what an endpoint keeps secret under the data key (AES-256-GCM) before it is written, and opens it as it is
/// read. The endpoint's id and the name of the column are authenticated along: a sealed value that is moved to another
/// row or column does not open.
struct Vault: Sendable {
  enum Part: String { case secret, previousSecret = "previous-secret", tlsKey = "tls-key" }

  /// A command that needs no secret works without the key; one that needs it is told why there is none.
  private let key: Result<SymmetricKey, StoreError>

  init(_ key: [UInt8]) { self.key = .success(SymmetricKey(data: key)) }
  init(without reason: StoreError) { key = .failure(reason) }

  /// Nonce, ciphertext and tag: 28 bytes longer than `bytes`.
  func seal(_ bytes: [UInt8], _ part: Part, of id: EntityID) throws -> [UInt8] {
    let box = try AES.GCM.seal(bytes, using: try key.get(), authenticating: Self.context(part, id))
    guard let combined = box.combined else { throw StoreError.unexpected("a sealed box without its parts") }
    return Array(combined)
  }

  func open(_ sealed: [UInt8], _ part: Part, of id: EntityID) throws -> [UInt8] {
    let key = try key.get()
    do {
      return Array(
        try AES.GCM.open(try AES.GCM.SealedBox(combined: sealed), using: key, authenticating: Self.context(part, id)))
    } catch {
      throw StoreError.damaged(
        file: StoreError.database, "the \(part.rawValue) of endpoint \(id) does not open under data.key")
    }
  }

  /// Nil for what does not open: that is this row's damage, and its owner can put something new there.
  func openWhole(_ sealed: [UInt8], _ part: Part, of id: EntityID) throws -> [UInt8]? {
    do {
      return try open(sealed, part, of: id)
    } catch StoreError.damaged {
      return nil
    }
  }

  private static func context(_ part: Part, _ id: EntityID) -> [UInt8] { Array("\(id) \(part.rawValue)".utf8) }
}

enum VaultSQL: String, CaseIterable {
  case plain = "SELECT key, tail, secret FROM endpoint WHERE sealed = 0"
  case sealed = "SELECT key, tail, secret FROM endpoint WHERE sealed = 1 AND deleted_at IS NULL"
  case seal = "UPDATE endpoint SET secret = $1, sealed = 1 WHERE key = $2"
  case replace = """
    UPDATE endpoint SET secret = $1, tls_ca = NULL, tls_certificate = NULL, tls_key = NULL, tls_shown = NULL,
      sealed = 1, enabled = 0, disabled_reason = $2, disabled_cause = NULL
    WHERE key = $3
    """
}

extension Vault {
  /// For a command, which makes no key.
  static func forCommand(_ directory: String) -> Vault {
    do throws(StoreError) {
      guard let key = try DataKey.read(directory) else {
        return Vault(
          without: .wrongMode(
            "\(DataKey.path(directory)) 不存在，\(DataKey.lostInChinese) / \(DataKey.path(directory)) is missing: \(DataKey.lost)"
          ))
      }
      return Vault(key)
    } catch {
      return Vault(without: error)
    }
  }

  /// For the daemon: makes the key of a directory that has none, which is one of before there were keys, or restored
  /// without endpoints; seals what is still plain; and proves that the key is the right one. Never makes a new key when
  /// something is sealed under another.
  static func forDaemon(_ directory: String, _ pool: DatabasePool) throws -> Vault {
    let vault = try find(directory, pool) ?? Vault(DataKey.create(directory))
    try vault.sealPlain(pool)
    return vault
  }

  /// The key that is there, once it has proved to be the right one; nil when there is none and nothing needs one.
  fileprivate static func find(_ directory: String, _ pool: DatabasePool) throws -> Vault? {
    let sealed = try pool.read { db in
      try db.all(VaultSQL.sealed) { (id: EntityID(key: $0.int(0), tail: $0.int(1)), secret: $0.bytes(2)) }
    }
    let found = try DataKey.read(directory).map { Vault($0) }
    if found == nil, !sealed.isEmpty {
      throw StoreError.wrongMode(
        "\(DataKey.path(directory)) 不存在，而有\(sealed.count)个回调地址依赖它；\(DataKey.lostInChinese) / "
          + "\(DataKey.path(directory)) is missing, and \(Phrase.count(sealed.count, "endpoint")) cannot do without it: \(DataKey.lost)"
      )
    }
    guard let found else { return nil }
    // One row that does not open is that row's damage; none that does is another key.
    if !sealed.isEmpty, !sealed.contains(where: { (try? found.open($0.secret, .secret, of: $0.id)) != nil }) {
      throw StoreError.wrongMode(
        "\(DataKey.path(directory)) 不是此数据库的密钥；\(DataKey.lostInChinese) / "
          + "\(DataKey.path(directory)) is not the key of this database, without which \(Phrase.count(sealed.count, "endpoint")) cannot do: "
          + DataKey.lost)
    }
    return found
  }

  /// Secrets of a version that kept them plain, deleted endpoints' too. What is overwritten is wiped from the file, and
  /// the log is emptied.
  private func sealPlain(_ pool: DatabasePool) throws {
    try pool.writeWithoutTransaction { db in
      let plain = try db.all(VaultSQL.plain) {
        (id: EntityID(key: $0.int(0), tail: $0.int(1)), secret: $0.bytes(2))
      }
      if plain.isEmpty { return }
      try db.execute(sql: "PRAGMA secure_delete = ON")
      defer { try? db.execute(sql: "PRAGMA secure_delete = OFF") }
      try db.inTransaction {
        for row in plain {
          let key = SQLValue.int(row.id.key)
          for old in try db.all(OldSecretSQL.plain, key, body: { (place: $0.int(0), secret: $0.bytes(1)) }) {
            let sealed = try seal(old.secret, .previousSecret, of: row.id)
            try db.run(OldSecretSQL.seal, .blob(sealed), key, .int(old.place))
          }
          try db.run(VaultSQL.seal, .blob(try seal(row.secret, .secret, of: row.id)), key)
        }
        return .commit
      }
      _ = try db.checkpoint(.truncate)
    }
  }
}

extension Store {
  /// - Returns: false when there is none yet, and nothing that needs one.
  /// - Throws: what is wrong with the file, or that it is not the key of this database.
  package func checkDataKey() throws(StoreError) -> Bool {
    do {
      return try Vault.find(directory, pool) != nil
    } catch {
      throw StoreError.from(error)
    }
  }

  /// After the data key was lost for good: a new one, under which every endpoint gets a secret that nobody knows. They
  /// are switched off with a reason that says what to do. Only without a daemon.
  /// - Returns: how many endpoints there are.
  package func renewDataKey() throws(StoreError) -> Int {
    let lock = try InstanceLock(directory: directory)
    return try withExtendedLifetime(lock) { () throws(StoreError) in
      guard try DataKey.read(directory) == nil else {
        throw .wrongMode(
          "\(DataKey.path(directory)) 还在，确属不符的请先移走 / \(DataKey.path(directory)) is there; move it away first if it is not the right one"
        )
      }
      let vault = Vault(try DataKey.create(directory))
      let reason = Endpoint.dataKeyLost
      var isKept = false
      // A key under which nothing is sealed would stand in the way of the next attempt.
      defer { if !isKept { DataKey.remove(directory) } }
      let count = try writeNow { db in
        let rows = try db.all(VaultSQL.sealed) { EntityID(key: $0.int(0), tail: $0.int(1)) }
        for id in rows {
          let unknown = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
          try db.run(
            VaultSQL.replace, .blob(try vault.seal(unknown, .secret, of: id)), .text(reason), .int(id.key))
          try db.run(OldSecretSQL.drop, .int(id.key))
        }
        return rows.count
      }
      isKept = true
      return count
    }
  }
}
