package import BrokerDomain
internal import Crypto
internal import GRDB

/// Who a key speaks for.
package struct Principal: Sendable, Equatable {
  package let keyID: Int64
  /// Nil for an operator.
  package let organ: Int64?

  package var isOperator: Bool { organ == nil }
}

package struct KeyRecord: Sendable {
  package let id: Int64
  package let organ: Int64?
  package let createdAt: Instant
  package let revokedAt: Instant?
}

enum KeySQL: String, CaseIterable {
  case active = "SELECT digest, id, organ FROM api_key WHERE revoked_at IS NULL"
  case list = "SELECT id, organ, created_at, revoked_at FROM api_key ORDER BY id"
  case insert = "INSERT INTO api_key (digest, organ, created_at) VALUES ($1, $2, $3)"
  case revoke = "UPDATE api_key SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL"
}

/// An API key is 32 random bytes in hexadecimal behind a recognisable prefix; only its SHA-256 is stored.
package enum APIKey {
  package static func generate() -> String {
    let bytes = (0..<32).map { _ in UInt8.random(in: 0...255) }
    return "xck_" + bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
  }

  package static func digest(_ key: some StringProtocol) -> [UInt8] {
    digest(bytes: Array(key.utf8))
  }

  package static func digest(bytes: [UInt8]) -> [UInt8] {
    Array(SHA256.hash(data: bytes))
  }
}

extension Database {
  func loadKeys() throws -> [[UInt8]: Principal] {
    var keys: [[UInt8]: Principal] = [:]
    try each(KeySQL.active, []) { row in
      keys[row.bytes(0)] = Principal(keyID: row.int(1), organ: row.optionalInt(2))
    }
    return keys
  }

  /// - Returns: the key's id.
  func insertKey(_ key: String, organ: Int64?, at: Instant) throws -> Int64 {
    try run(KeySQL.insert, .blob(APIKey.digest(key)), .optionalInt(organ), .int(at.milliseconds))
    return lastInsertedRowID
  }
}
