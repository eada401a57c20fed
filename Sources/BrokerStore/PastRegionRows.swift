internal import BrokerDomain
internal import GRDB

enum PastRegionSQL: String, CaseIterable {
  case all = "SELECT organ, until, region FROM organ_past_region ORDER BY organ, until"
  /// Before an organ is written anew. Without a request nothing was counted by where it was. Of two moves in one
  /// millisecond it was before them where it was before the first.
  case keep = """
    INSERT INTO organ_past_region (organ, until, region)
    SELECT number, $1, region FROM organ WHERE code = $2 AND region <> $3 AND EXISTS (SELECT 1 FROM request)
    ON CONFLICT DO NOTHING
    """
}

extension Database {
  /// By the number of the organ, in order of time.
  func pastRegions() throws -> [Int64: [PastRegion]] {
    var past: [Int64: [PastRegion]] = [:]
    try each(PastRegionSQL.all, []) { row in
      guard let region = RegionCode(row.text(2)) else {
        throw StoreError.damaged(file: StoreError.database, "past region \(row.text(2)) cannot be read")
      }
      past[row.int(0), default: []].append(PastRegion(until: Instant(milliseconds: row.int(1)), region: region))
    }
    return past
  }
}
