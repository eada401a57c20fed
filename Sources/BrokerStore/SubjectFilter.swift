internal import GRDB
internal import Synchronization

/// Tells of most runs of subjects that a person is not in them: a Bloom filter over the id numbers of one run. It is made
/// with the run, stands beside it in the database and never changes; so it may be kept in memory for good.
struct SubjectFilter {
  /// An id number, as every filter is asked about it.
  struct Probe {
    fileprivate let first: UInt32
    fileprivate let step: UInt32

    /// FNV-1a over the bytes, mixed: the same in every process and version, because filters outlive both.
    init(_ idNumber: String) {
      var hash: UInt64 = 0xCBF2_9CE4_8422_2325
      for byte in idNumber.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
      hash = (hash ^ hash >> 33) &* 0xFF51_AFD7_ED55_8CCD
      hash ^= hash >> 33
      first = UInt32(truncatingIfNeeded: hash)
      step = UInt32(truncatingIfNeeded: hash >> 32) | 1
    }
  }

  /// With these one run of three hundred is read in vain.
  private static let (bitsEach, probes): (Int, UInt32) = (12, 8)

  private(set) var bytes: [UInt8]

  init(_ idNumbers: some Collection<String>) {
    self.init(of: idNumbers.count)
    for idNumber in idNumbers { insert(idNumber) }
  }

  /// For so many, of whom nobody is in it yet.
  init(of subjects: Int) { bytes = [UInt8](repeating: 0, count: Self.bytes(of: subjects)) }

  mutating func insert(_ idNumber: String) {
    let probe = Probe(idNumber)
    for index in 0..<Self.probes {
      let bit = Self.bit(probe, index, bytes.count)
      bytes[bit >> 3] |= 1 << (bit & 7)
    }
  }

  static func bytes(of subjects: Int) -> Int { max(1, subjects * bitsEach / 8) }

  /// - Parameter bytes: nil or empty says nothing, so everybody may be in it.
  init(bytes: [UInt8]?) { self.bytes = bytes ?? [] }

  func mayContain(_ probe: Probe) -> Bool {
    bytes.isEmpty
      || (0..<Self.probes).allSatisfy {
        let bit = Self.bit(probe, $0, bytes.count)
        return bytes[bit >> 3] & (1 << (bit & 7)) != 0
      }
  }

  private static func bit(_ probe: Probe, _ index: UInt32, _ bytes: Int) -> Int {
    Int((UInt64(probe.first &+ index &* probe.step) * UInt64(bytes * 8)) >> 32)
  }
}

/// The filters of all finished runs, in memory: one and a half bytes for each subject.
final class SubjectFilters: Sendable {
  private let runs = Mutex<[(run: Int64, filter: SubjectFilter)]>([])

  /// The finished runs that may have the person, newest first. Runs that have come since the last time are read.
  func runs(of idNumber: String, _ db: Database) throws -> [Int64] {
    let probe = SubjectFilter.Probe(idNumber)
    var known = runs.withLock { $0 }
    let new = try db.all(SubjectFilingSQL.runs, .int(known.last?.run ?? -1)) { row in
      (run: row.int(0), filter: SubjectFilter(bytes: row.optionalBytes(1)))
    }
    if !new.isEmpty {
      known += new
      // Another reader may have read them as well, and more than this one.
      runs.withLock { if known.count > $0.count { $0 = known } }
    }
    return known.reversed().filter { $0.filter.mayContain(probe) }.map(\.run)
  }
}

extension Database {
  /// How many filed subjects would not be found, because the filter of their run says that they are not in it.
  func subjectsBesideTheirFilter() throws -> Int {
    var count = 0
    for (run, filter) in try all(
      SubjectFilingSQL.runs, .int(-1), body: { ($0.int(0), SubjectFilter(bytes: $0.optionalBytes(1))) })
    {
      try each(SubjectFilingSQL.numbers, [.int(run)]) { row in
        if !filter.mayContain(SubjectFilter.Probe(row.text(0))) { count += 1 }
      }
    }
    return count
  }
}
