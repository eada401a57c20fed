internal import BrokerDomain
internal import BrokerStore
internal import HTTPTypes

/// 统计: how organs keep their time, as figures and as documents made from them.
///
/// A supervisor 司法局 is shown what the organs of its region received, an operator what all organs received, any other
/// organ what it received itself. What is sealed is only in the figures of the organ that received it.
struct ReportRoutes {
  let broker: Broker

  /// Ten years and a few days: nobody reports on more, and months make it a short read.
  static let longestDays = 3660

  struct Period {
    let from: CalendarDate
    /// Included.
    let to: CalendarDate
  }

  /// Who a report is for, and what it counts.
  struct Audience {
    let scope: ReportScope
    /// Nil for the operator.
    let organ: Organ?
    var isSupervisor: Bool { organ?.roles.contains(.supervisor) == true }
  }

  func timeliness(_ call: Call) async throws -> Reply {
    try call.checkQuery("from", "to", "by", "format")
    let format = try ReportFormat(call, [.json, .csv, .html])
    let grouping = try call.queryChoice("by", ReportGrouping.self) ?? .organ
    let period = try period(call) ?? thisYear
    let audience = try audience(call)
    let report = try await broker.store.timeliness(
      from: period.from, to: period.to, by: [grouping], audience.scope)
    let table = ReportTable(report, grouping, period, audience, broker.store.reference)
    return await offTheLoop {
      switch format {
      case .json: table.json
      case .csv: .file(table.csv, "timeliness-\(grouping.rawValue)-\(period.from)-\(period.to)")
      case .html: .page(table.html)
      }
    }
  }

  /// 总结, of half a year.
  func summary(_ call: Call) async throws -> Reply {
    try call.checkQuery("half", "from", "to")
    let period: Period
    if let text = call.queryValue("half") {
      guard let half = Self.half(text) else {
        throw call.badParameter(
          "half", "应为年份和半年，如 2026-H1（上半年）、2026-H2（下半年）", "must be a year and a half, such as 2026-H1")
      }
      try refuseDates(call, beside: "half")
      period = half
    } else {
      period = try requiredPeriod(call, or: "half")
    }
    return try await document(call, period) { SummaryDocument($0).html }
  }

  /// 通报, of a month.
  func circular(_ call: Call) async throws -> Reply {
    try call.checkQuery("month", "from", "to")
    let period: Period
    if let text = call.queryValue("month") {
      guard let first = CalendarDate(text + "-01") else {
        throw call.badParameter("month", "应为年月，如 2026-03", "must be a month such as 2026-03")
      }
      try refuseDates(call, beside: "month")
      period = Period(from: first, to: (first + 31).firstOfMonth + -1)
    } else {
      period = try requiredPeriod(call, or: "month")
    }
    return try await document(call, period) { CircularDocument($0).html }
  }

  private func document(
    _ call: Call, _ period: Period, _ write: @Sendable (DocumentContent) -> String
  ) async throws -> Reply {
    let audience = try audience(call)
    guard let organ = audience.organ, audience.isSupervisor else {
      throw Problem(
        .forbidden, "forbidden", "总结和通报由监督机关（司法局）制作", "summaries and circulars are the supervisor's to make")
    }
    // It goes to every organ of the region, so what is sealed stays out, the supervisor's own as well.
    let scope = ReportScope(organs: audience.scope.organs, own: nil, reader: organ.number)
    let report = try await broker.store.timeliness(
      from: period.from, to: period.to, by: [.organ, .procedure, .month], scope, lateEnds: true)
    let earlier = try await broker.store.timeliness(
      from: period.from + -Self.longestDays, to: period.from + -1, by: [.organ], scope)
    let content = DocumentContent(
      report: report, earlier: earlier, period: period, issuer: organ, audience: audience,
      reference: broker.store.reference)
    return await offTheLoop { .page(write(content)) }
  }

  // MARK: Parameters

  func audience(_ call: Call) throws(Problem) -> Audience {
    let reference = broker.store.reference
    if try call.scope().isOperator {
      return Audience(scope: ReportScope(organs: Set(reference.organs.map(\.number)), own: nil), organ: nil)
    }
    let organ = try call.requireOrgan()
    var organs: Set<Int64> = [organ.number]
    if organ.roles.contains(.supervisor) {
      organs.formUnion(reference.organs.lazy.filter { organ.region.covers($0.region) }.map(\.number))
    }
    return Audience(scope: ReportScope(organs: organs, own: organ.number), organ: organ)
  }

  private var thisYear: Period {
    let today = broker.store.clock.now.date
    return Period(from: CalendarDate(year: today.year, month: 1, day: 1) ?? today, to: today)
  }

  func requiredPeriod(_ call: Call, or name: String? = nil) throws(Problem) -> Period {
    if let period = try period(call) { return period }
    throw call.badParameter(
      name ?? "from", "必填\(name == nil ? "" : "，或者填 from 和 to")", "is required\(name == nil ? "" : ", or from and to")")
  }

  private func refuseDates(_ call: Call, beside name: String) throws(Problem) {
    guard call.queryValue("from") == nil, call.queryValue("to") == nil else {
      throw call.badParameter(name, "不能与 from、to 同时使用", "cannot stand beside from and to")
    }
  }

  /// Nil when neither end is named; without `to`, until today.
  private func period(_ call: Call) throws(Problem) -> Period? {
    let (from, to) = (try date(call, "from"), try date(call, "to"))
    guard from != nil || to != nil else { return nil }
    guard let from else { throw call.badParameter("from", "必填", "is required") }
    let last = to ?? max(from, broker.store.clock.now.date)
    guard from <= last else { throw call.badParameter("to", "不能早于 from", "must not be before from") }
    guard last.dayNumber - from.dayNumber < Self.longestDays else {
      throw call.badParameter("to", "期间不超过\(Self.longestDays)日", "a period has \(Self.longestDays) days at most")
    }
    return Period(from: from, to: last)
  }

  private func date(_ call: Call, _ name: String) throws(Problem) -> CalendarDate? {
    guard let text = call.queryValue(name) else { return nil }
    guard let date = CalendarDate(text) else {
      throw call.badParameter(name, "应为日期 YYYY-MM-DD", "must be a date YYYY-MM-DD")
    }
    return date
  }

  private static func half(_ text: String) -> Period? {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    // With the H of a half-yearly summary's `period` or without.
    guard parts.count == 2, parts[0].utf8.count == 4, let year = Int(parts[0]),
      ["1", "2", "H1", "H2"].contains(parts[1])
    else { return nil }
    let isFirst = parts[1].hasSuffix("1")
    guard let from = CalendarDate(year: year, month: isFirst ? 1 : 7, day: 1),
      let to = isFirst ? CalendarDate(year: year, month: 6, day: 30) : CalendarDate(year: year, month: 12, day: 31)
    else { return nil }
    return Period(from: from, to: to)
  }
}

/// What a report is written in. `?format=` decides, else `Accept`, else JSON.
enum ReportFormat: String, CaseIterable {
  case json, csv, html

  private var mediaType: String {
    switch self {
    case .json: "application/json"
    case .csv: "text/csv"
    case .html: "text/html"
    }
  }

  init(_ call: Call, _ offered: [ReportFormat]) throws(Problem) {
    if let named = try call.queryChoice("format", ReportFormat.self) {
      self = named
    } else {
      self = Self.accepted(call.headers.accept, offered) ?? .json
    }
  }

  /// The offered type of the greatest weight; the first one named among equals.
  private static func accepted(_ header: String?, _ offered: [ReportFormat]) -> ReportFormat? {
    var best: (format: ReportFormat, weight: Double)?
    for part in (header ?? "").split(separator: ",") {
      let pieces = part.split(separator: ";").map { $0.trimmingSpaces().lowercased() }
      let weight = pieces.dropFirst().lazy.compactMap { $0.hasPrefix("q=") ? Double($0.dropFirst(2)) : nil }.first ?? 1
      guard let type = pieces.first, let format = offered.first(where: { $0.mediaType == type }) else { continue }
      if weight > best?.weight ?? 0 { best = (format, weight) }
    }
    return best?.format
  }
}

extension Reply {
  private static let disposition = HTTPField.Name("Content-Disposition")!
  private static let policy = HTTPField.Name("Content-Security-Policy")!

  /// A page that stands by itself: it may load nothing and run nothing.
  static func page(_ html: String) -> Reply {
    var reply = Reply(.ok, Array(html.utf8), type: "text/html; charset=utf-8")
    reply.headers[policy] = "default-src 'none'; style-src 'unsafe-inline'"
    return reply
  }

  /// - Parameter name: letters, digits and hyphens.
  static func file(_ csv: CSVLines, _ name: String) -> Reply {
    var reply = Reply(.ok, csv.bytes, type: "text/csv; charset=utf-8; header=present")
    reply.headers[disposition] = "attachment; filename=\"\(name).csv\""
    return reply
  }
}
