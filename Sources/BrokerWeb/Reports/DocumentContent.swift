internal import BrokerDomain
internal import BrokerStore

/// What the documents are made from: the same figures as the reports, and how offices put them into words.
struct DocumentContent: Sendable {
  let report: TimelinessReport
  /// Of what was received before the period, as far back as reports go.
  let earlier: TimelinessReport
  let period: ReportRoutes.Period
  let issuer: Organ
  let organs: [ReportTable.Row]
  let procedures: [ReportTable.Row]
  let months: [ReportTable.Row]
  /// Title of each reason that occurs.
  let reasons: [(code: String, title: Phrase)]
  private let reference: Reference

  init(
    report: TimelinessReport, earlier: TimelinessReport, period: ReportRoutes.Period, issuer: Organ,
    audience: ReportRoutes.Audience, reference: Reference
  ) {
    self.report = report
    self.earlier = earlier
    self.period = period
    self.issuer = issuer
    self.reference = reference
    func rows(_ grouping: ReportGrouping) -> [ReportTable.Row] {
      ReportTable.rows(report.rows[grouping] ?? [], reference, at: report.at)
    }
    (organs, procedures, months) = (rows(.organ), rows(.procedure), rows(.month))
    reasons = ReportTable(report, .organ, period, audience, reference).reasons
  }

  var total: Figures { report.total }

  /// The same with the day until which the figures reach, of a period that goes on or lies ahead.
  var periodSoFar: String {
    if report.at.date > period.to { return periodName }
    return periodName + (report.at.date < period.from ? "（尚未开始）" : "（未满，截至\(report.at.date.chinese)）")
  }

  /// 上半年, a month, or from when to when.
  var periodName: String {
    let (a, b) = (period.from.components, period.to.components)
    let isWhole = a.day == 1 && (period.to + 1).components.day == 1 && a.year == b.year
    switch (isWhole, a.month, b.month) {
    case (true, 1, 6): return "\(a.year)年上半年"
    case (true, 7, 12): return "\(a.year)年下半年"
    case (true, 1, 12): return "\(a.year)年"
    case (true, let first, let last) where first == last: return "\(a.year)年\(first)月"
    default: return "\(period.from.chinese)至\(period.to.chinese)"
    }
  }

  /// Whom a document is for (主送机关): the superior, by the directory.
  var superior: String? { issuer.superior.flatMap { reference.organ($0)?.name } }
  var issuedOn: String { report.at.date.chinese }
  /// Moment of the figures of what is open.
  var asOf: String { "\(report.at.date.chinese)\(report.at.rfc3339.dropFirst(11).prefix(5))" }

  func name(of organ: Int64) -> String { reference.organ(number: organ)?.name ?? "?" }
  func title(of procedure: String) -> String { reference.title(ofProcedure: procedure)?.zh ?? procedure }

  /// What an organ was late with, of what was received in the period: counts and words.
  private func lateness(_ f: Figures, _ ends: LateEnds) -> [(count: Int, words: String)] {
    [
      (f.late.total, "逾期答复"), (f.declinedLate, "逾期告知不能协助"), (f.overdue, "逾期未办结"), (ends.receiptAlone, "逾期签收"),
    ] + Self.letGo(ends) + [(f.sentLate, "逾期送交")]
  }

  /// What left an organ after the due moment without a reply.
  private static func letGo(_ ends: LateEnds) -> [(count: Int, words: String)] {
    [
      (ends[.returned], "逾期后退回"), (ends[.transferred], "逾期后移送"), (ends[.withdrawn], "逾期后被撤回"),
      (ends[.letGo], "退回后逾期撤回、归档或者移送"),
    ]
  }

  /// Whom the document names, and those that received something.
  var concerned: [String] {
    let named =
      report.lateEnds.keys.sorted().map(name(of:)) + endedSince.map { name(of: $0.organ) } + overdueSince.map(\.name)
    return organs.map(\.name)
      + named.enumerated().filter { at, name in
        !organs.contains { $0.name == name } && !named[..<at].contains(name)
      }.map(\.element)
  }

  private static func words(_ name: String, _ counts: [(count: Int, words: String)]) -> String {
    name + counts.filter { $0.count > 0 }.map { "\($0.words)\($0.count)件" }.joined(separator: "、")
  }

  /// What was received before and ended late in the period, by organ, the most first: a document that was made earlier
  /// could not tell of it.
  private var endedSince: [(organ: Int64, counts: [(count: Int, words: String)], sum: Int)] {
    report.earlierLateEnds.map { organ, ends in
      let counts =
        [(ends[.answered], "逾期答复"), (ends[.declined], "逾期告知不能协助"), (ends[.receipt], "逾期签收")] + Self.letGo(ends)
      return (organ, counts, counts.reduce(0) { $0 + $1.0 })
    }
    .filter { $0.sum > 0 }.sorted { ($0.sum, name(of: $1.organ)) > ($1.sum, name(of: $0.organ)) }
  }

  /// Whether any organ was late with a reply, or with saying that it has something: of what ended in the period, or was
  /// received in it.
  var hasLateReplies: Bool {
    total.late.total + total.declinedLate > 0 || !endedSince.isEmpty
      || report.lateEnds.values.contains { ends in
        ends.receiptAlone > 0 || Self.letGo(ends).contains { $0.count > 0 }
      }
  }

  /// Of the replies that were due: how many came in time, in tenths of a percent; nil of none.
  static func punctuality(_ f: Figures) -> String? {
    let due = f.answered + f.declinedTotal + f.overdue
    guard due > 0 else { return nil }
    let inTime = f.onTime.total + f.declinedTotal - f.declinedLate
    let tenths = (inTime * 1000 + due / 2) / due
    return "\(tenths / 10).\(tenths % 10)%"
  }

  /// 一、收到与办理.
  var received: String {
    let f = total
    return "\(periodName)，有关机关共收到协助核查及相关事项\(f.received)件。其中，按时答复\(f.onTime.total)件，逾期答复\(f.late.total)件，"
      + "书面告知不能协助\(f.declinedTotal)件，退回\(f.returned)件，移送\(f.transferred)件，请求机关撤回\(f.withdrawn)件；截至\(asOf)，"
      + "未办结\(f.open)件，其中已逾期\(f.overdue)件"
      + (earlier.total.overdue > 0 ? "（\(period.from.chinese)前收到仍逾期的\(earlier.total.overdue)件另列）。" : "。")
  }

  var speed: String {
    let f = total
    let answered =
      if let median = f.days.median, let p90 = f.days.p90 {
        "答复用时中位数\(median)个工作日，九成在\(p90)个工作日以内。"
      } else { "本期尚无答复。" }
    let acknowledged =
      f.acknowledged.median.map { "签收\(f.acknowledged.total)件，用时中位数\($0)个工作日。" } ?? ""
    let inTime =
      f.acknowledgedOnTime + f.acknowledgedLate > 0
      ? "按期签收\(f.acknowledgedOnTime)件，未按期签收\(f.acknowledgedLate)件（直接办理的视为签收；除只须签收的外，不计为逾期）。" : ""
    let punctuality = f.answered > 0 ? Self.punctuality(f).map { "应复事项按时率\($0)。" } : nil
    return answered + (punctuality ?? "") + acknowledged + inTime
  }

  var declines: String {
    guard total.declinedTotal > 0 else { return "本期没有书面告知不能协助的情况。" }
    let parts = reasons.map { "\($0.title.zh)\(total.declined[$0.code] ?? 0)件" }
    return "书面告知不能协助\(total.declinedTotal)件，理由为：\(parts.joined(separator: "，"))；其中逾期告知\(total.declinedLate)件。"
  }

  var lateness: String {
    // An organ that has let go of what lay with it has no figures of it any more.
    let others = report.lateEnds.keys.filter { number in !organs.contains { $0.organ == number } }
    let all =
      organs.map { ($0.name, $0.figures, $0.organ.flatMap { report.lateEnds[$0] } ?? LateEnds()) }
      + others.map { (name(of: $0), Figures(), report.lateEnds[$0] ?? LateEnds()) }
    let late = all.map { (name: $0.0, counts: lateness($0.1, $0.2)) }
      .map { (name: $0.name, counts: $0.counts, sum: $0.counts.reduce(0) { $0 + $1.count }) }
      .filter { $0.sum > 0 }.sorted { ($0.sum, $1.name) > ($1.sum, $0.name) }
    guard !late.isEmpty else {
      return endedSince.isEmpty && carriedOver == nil ? "本期各机关没有逾期情况。" : "本期收到的事项没有逾期情况。"
    }
    let parts = late.map { Self.words($0.name, $0.counts) }
    return "本期存在逾期情况的有\(late.count)个机关：\(parts.joined(separator: "；"))。"
  }

  /// Nil of none.
  var lateFromBefore: String? {
    let late = endedSince
    guard !late.isEmpty else { return nil }
    let parts = late.map { Self.words(name(of: $0.organ), $0.counts) }
    return "\(period.from.chinese)前收到、逾期后于本期处理的另有\(late.reduce(0) { $0 + $1.sum })件："
      + parts.joined(separator: "；") + "。"
  }

  private var overdueSince: [ReportTable.Row] {
    ReportTable.rows(earlier.rows[.organ] ?? [], reference, at: report.at).filter { $0.figures.overdue > 0 }
  }

  /// What came before the period and is overdue still: no other month would name it. Nil of none.
  var carriedOver: String? {
    let rows = overdueSince
    guard !rows.isEmpty else { return nil }
    let parts = rows.sorted { ($0.figures.overdue, $1.name) > ($1.figures.overdue, $0.name) }
      .map { "\($0.name)\($0.figures.overdue)件" }
    return "\(period.from.chinese)前收到、截至\(asOf)仍逾期未办结的另有\(earlier.total.overdue)件："
      + parts.joined(separator: "、") + "。"
  }
}

extension CalendarDate {
  /// As official documents write it (GB/T 9704): Arabic figures, no leading zeros.
  var chinese: String {
    let c = components
    return "\(c.year)年\(c.month)月\(c.day)日"
  }
}
