internal import BrokerDomain
internal import FoundationEssentials
internal import Testing

/// Tables of cases beside these tests, and the calendar files that the product ships.
enum Vectors {
  private static let here: [Substring] = "\(#filePath)".split(separator: "/").dropLast()

  /// A file of the repository, by its path from the root.
  static func file(_ path: String) throws -> [UInt8] {
    let root = "/" + here.dropLast(2).joined(separator: "/")
    return [UInt8](try Data(contentsOf: URL(filePath: root + "/" + path)))
  }

  /// The rows of `vectors/<name>.csv`; each must have a value for every column.
  static func rows(_ name: String) throws -> [[String: String]] {
    try rows(of: file("Tests/BrokerDomainTests/vectors/\(name).csv"))
  }

  static func rows(of bytes: [UInt8]) throws -> [[String: String]] {
    let table = try CSVTable(bytes)
    return try table.rows.map { row in
      try #require(row.fields.count == table.header.count, "line \(row.line)")
      return Dictionary(zip(table.header, row.fields)) { first, _ in first }
    }
  }

  /// The announced days of config/calendars/cn.
  static func announcedDays(_ years: ClosedRange<Int> = 2018...2026) throws -> [AnnouncedDay] {
    try years.flatMap { year in
      try rows(of: file("config/calendars/cn/\(year).csv")).map { row in
        AnnouncedDay(
          date: try #require(row["date"].flatMap { CalendarDate($0) }),
          kind: try #require(row["kind"].flatMap { AnnouncedDay.Kind(rawValue: $0) }),
          festival: try #require(row["festival"]), notice: try #require(row["notice"]))
      }
    }
  }

  /// 2018 to 2026 are known; 2027 is not.
  static let calendar = Result { WorkingCalendar(national: try announcedDays()) }
}

func date(_ text: String, _ location: SourceLocation = #_sourceLocation) throws -> CalendarDate {
  try #require(CalendarDate(text), "\(text)", sourceLocation: location)
}

func instant(_ text: String, _ location: SourceLocation = #_sourceLocation) throws -> Instant {
  try #require(Instant(rfc3339: text), "\(text)", sourceLocation: location)
}

func region(_ text: String) throws -> RegionCode { try #require(RegionCode(text)) }
