package import BrokerDomain
internal import Crypto
internal import GRDB

enum ProcedureSQL: String, CaseIterable {
  case all = "SELECT procedure, version, digest, definition FROM procedure_version ORDER BY procedure, version"
  case insert = """
    INSERT INTO procedure_version (procedure, version, digest, definition, first_used_at) VALUES ($1, $2, $3, $4, $5)
    """
  /// Keys grow with time: those opened while it was the newest version are looked at, and no others.
  case isUsed = """
    SELECT 1 FROM request
    WHERE key >= (SELECT first_used_at << 12 FROM procedure_version WHERE procedure = $1 AND version = $2)
      AND key < coalesce((SELECT (first_used_at + 1000) << 12 FROM procedure_version
          WHERE procedure = $1 AND version = $2 + 1),
        9223372036854775807)
      AND procedure = $1 AND procedure_version = $2 LIMIT 1
    """
  case list = """
    SELECT procedure, version, digest, first_used_at FROM procedure_version ORDER BY procedure, version
    """
}

/// One version of a definition, and since when it has been in force.
package struct ProcedureVersion: Sendable, Equatable {
  package let procedure: String
  package let version: Int
  /// SHA-256 of the definition as it is kept.
  package let digest: [UInt8]
  package let firstUsedAt: Instant
}

/// The definitions that are in force, numbered, and all that were stored.
struct NumberedProcedures {
  var current: [Procedure] = []
  var stored: [Procedure] = []
}

extension Database {
  /// Gives the definitions of the files their numbers: that of the newest one stored when it says the same, the next one
  /// when it does not.
  func number(_ procedures: [Procedure]) throws -> NumberedProcedures {
    var numbered = NumberedProcedures()
    var newest: [String: (version: Int, digest: [UInt8])] = [:]
    try each(ProcedureSQL.all, []) { row in
      let (id, version) = (row.text(0), Int(row.int(1)))
      guard let procedure = Procedure(stored: row.bytes(3), version: version) else {
        throw StoreError.damaged(file: StoreError.database, "version \(version) of the procedure \(id) cannot be read")
      }
      numbered.stored.append(procedure)
      newest[id] = (version, row.bytes(2))
    }
    numbered.current = procedures.map { procedure in
      guard let last = newest[procedure.id] else { return procedure.numbered(1) }
      return procedure.numbered(last.digest == procedure.digest ? last.version : last.version + 1)
    }
    return numbered
  }

  /// Without sealed ones that have gone and left no request: figures know no versions, so that a single request under a
  /// sealed one keeps all of its procedure from them, and an attempt that was taken back is not to do so.
  func used(_ numbered: NumberedProcedures) throws -> [Procedure] {
    try numbered.stored.filter { procedure in
      let now = numbered.current.first { $0.id == procedure.id }
      guard procedure.isSealed, let now, !now.isSealed else { return true }
      return try first(ProcedureSQL.isUsed, .text(procedure.id), .int(Int64(procedure.version))) { _ in true } ?? false
    }
  }

  /// Stores the definitions that are new or have changed, before the first request can be opened under them.
  func keepVersions(of procedures: [Procedure], at now: Instant) throws {
    let numbered = try number(procedures)
    for procedure in numbered.current
    where !numbered.stored.contains(where: { $0.id == procedure.id && $0.version == procedure.version }) {
      try run(
        ProcedureSQL.insert, .text(procedure.id), .int(Int64(procedure.version)), .blob(procedure.digest),
        .utf8(procedure.canonical), .int(now.milliseconds))
    }
  }
}

extension Procedure {
  fileprivate var digest: [UInt8] { Array(SHA256.hash(data: canonical)) }
}

extension Store {
  /// Every version of every procedure, also of those whose file is gone.
  package func procedureVersions() async throws(StoreError) -> [ProcedureVersion] {
    try await read { db in
      try db.all(ProcedureSQL.list) {
        ProcedureVersion(
          procedure: $0.text(0), version: Int($0.int(1)), digest: $0.bytes(2),
          firstUsedAt: Instant(milliseconds: $0.int(3)))
      }
    }
  }
}
