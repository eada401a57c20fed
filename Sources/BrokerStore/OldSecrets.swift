package import BrokerDomain
internal import GRDB

/// A secret of before a rotation. It signs beside the present one for a while, so that a receiver can change over without
/// losing a message.
package struct OldSecret: Sendable, Equatable {
  package let secret: [UInt8]
  package let until: Instant

  package init(secret: [UInt8], until: Instant) {
    self.secret = secret
    self.until = until
  }
}

enum OldSecretSQL: String, CaseIterable {
  case list = """
    SELECT o.secret, o.until, n.sealed FROM endpoint_old_secret o CROSS JOIN endpoint n ON n.key = o.endpoint
    WHERE o.endpoint = $1 ORDER BY o.place
    """
  case insert = "INSERT INTO endpoint_old_secret (endpoint, place, secret, until) VALUES ($1, $2, $3, $4)"
  case drop = "DELETE FROM endpoint_old_secret WHERE endpoint = $1"
  /// As they lie there, for those that are not sealed yet.
  case plain = "SELECT place, secret FROM endpoint_old_secret WHERE endpoint = $1"
  case seal = "UPDATE endpoint_old_secret SET secret = $1 WHERE endpoint = $2 AND place = $3"
}

extension Endpoint {
  /// Each of them makes another signature of every message.
  package static let oldSecretsAtOnce = 4

  /// The secrets that sign now: the current one first, then those of before while they overlap.
  package func signingSecrets(now: Instant) -> [[UInt8]] {
    [secret] + oldSecrets.filter { now < $0.until }.map(\.secret)
  }

  /// When the first of those that sign now ends; nil when there is none.
  package func nextEnd(now: Instant) -> Instant? { oldSecrets.map(\.until).filter { now < $0 }.min() }

  /// Takes a new secret; the one that it had signs until a moment.
  /// - Returns: nil, or when it may be asked for again, because too many of before sign still.
  package mutating func rotate(to new: [UInt8], now: Instant, oldUntil: Instant) -> Instant? {
    let live = oldSecrets.filter { now < $0.until }
    if isSecretLost || isDataKeyLost {
      // The one that it has nobody can read, or nobody knows.
      oldSecrets = live
      if isDataKeyLost { disabledReason = Self.secretReplaced }
    } else if live.count >= Self.oldSecretsAtOnce, let end = nextEnd(now: now) {
      return end
    } else {
      oldSecrets = [OldSecret(secret: secret, until: oldUntil)] + live
    }
    (secret, isSecretLost) = (new, false)
    rotatedAt = now
    return nil
  }

  mutating func readOldSecrets(_ db: Database, _ vault: Vault) throws {
    let all = try db.all(OldSecretSQL.list, .int(id.key)) { row -> OldSecret? in
      let kept = row.bytes(0)
      let opened = row.int(2) == 1 ? try vault.openWhole(kept, .previousSecret, of: id) : kept
      return opened.map { OldSecret(secret: $0, until: Instant(milliseconds: row.int(1))) }
    }
    // One that does not open signs no more; the present one does.
    oldSecrets = all.compactMap(\.self)
  }
}

extension WriteContext {
  /// Those that have ended are forgotten.
  func writeOldSecrets(of endpoint: Endpoint) throws {
    let key = SQLValue.int(endpoint.id.key)
    try db.run(OldSecretSQL.drop, key)
    for (place, old) in endpoint.oldSecrets.filter({ now < $0.until }).enumerated() {
      let sealed = try vault.seal(old.secret, .previousSecret, of: endpoint.id)
      try db.run(OldSecretSQL.insert, key, .int(Int64(place)), .blob(sealed), .int(old.until.milliseconds))
    }
  }
}
