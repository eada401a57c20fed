internal import BrokerDomain
internal import BrokerStore
internal import HTTPTypes

/// A report with its rows named and in order, as JSON and CSV; `ReportTable+HTML.swift` has the page.
struct ReportTable: Sendable {
  struct Row: Sendable {
    /// Nil for the requests that name no item.
    let key: String?
    let name: String
    let figures: Figures
    /// Its number, of an organ.
    var organ: Int64?
  }

  let report: TimelinessReport
  let grouping: ReportGrouping
  let period: ReportRoutes.Period
  let organ: Organ?
  let isSupervisor: Bool
  let rows: [Row]
  /// Reasons that occur, in order, with their titles.
  let reasons: [(code: String, title: Phrase)]

  init(
    _ report: TimelinessReport, _ grouping: ReportGrouping, _ period: ReportRoutes.Period,
    _ audience: ReportRoutes.Audience, _ reference: Reference
  ) {
    self.report = report
    self.grouping = grouping
    self.period = period
    organ = audience.organ
    isSupervisor = audience.isSupervisor
    rows = Self.rows(report.rows[grouping] ?? [], reference, at: min(report.at, (period.to + 1).midnight + -1))
    var titles: [String: Phrase] = [:]
    // As they are called now, and those that no definition has any more as they were.
    for procedure in reference.everyDefinition {
      for reason in procedure.declineReasons { titles[reason.id] = reason.title }
    }
    reasons = report.total.declined.keys.sorted().map { ($0, titles[$0] ?? Phrase($0, $0)) }
  }

  /// Organs and items in the order of their lists, procedures by their name, months as they follow.
  /// - Parameter moment: whose list of items names them.
  static func rows(_ rows: [TimelinessReport.Row], _ reference: Reference, at moment: Instant) -> [Row] {
    let positions = Dictionary(reference.items.enumerated().map { ($1.code, $0) }) { first, _ in first }
    let named = rows.map { row -> (order: Int, Row) in
      switch row.key {
      case .organ(let number):
        let organ = reference.organ(number: number)
        return (
          Int(number), Row(key: organ?.code.description, name: organ?.name ?? "?", figures: row.figures, organ: number)
        )
      case .procedure(let id):
        return (0, Row(key: id, name: reference.title(ofProcedure: id)?.zh ?? id, figures: row.figures))
      case .item(""): return (.max, Row(key: nil, name: "未列证明事项", figures: row.figures))
      case .item(let code):
        let name = reference.item(code, at: moment).map { "\($0.proof)（\($0.matter)）" } ?? code
        return (positions[code] ?? .max - 1, Row(key: code, name: name, figures: row.figures))
      case .month(let first):
        let month = String(first.description.prefix(7))
        return (first.dayNumber, Row(key: month, name: month, figures: row.figures))
      }
    }
    return named.sorted { ($0.order, $0.1.key ?? "") < ($1.order, $1.1.key ?? "") }.map(\.1)
  }

  var json: Reply {
    Reply { w in
      w.string("from", period.from.description)
      w.string("to", period.to.description)
      w.string("by", grouping.rawValue)
      w.string("region", isSupervisor ? organ?.region.description : nil)
      w.string("organ", organ?.code.description)
      w.string("generatedAt", report.at.rfc3339)
      w.array("rows") { w in
        for row in rows {
          w.object { w in
            w.string("key", row.key)
            w.string("name", row.name)
            row.figures.write(&w)
          }
        }
      }
      w.object("total") { report.total.write(&$0) }
    }
  }

  var csv: CSVLines {
    var lines = CSVLines(
      header: [grouping.title.zh + "代码", grouping.title.zh, "收到", "按时答复", "逾期答复", "不能协助", "其中逾期书面告知"]
        + reasons.map { "不能协助：\($0.title.zh)" }
        + [
          "退回", "移送", "撤回", "未办结", "其中已逾期", "答复工作日中位数", "答复工作日第90百分位", "签收件数", "签收工作日中位数",
          "签收工作日第90百分位", "逾期送交", "按期签收", "逾期签收",
        ])
    for row in rows { lines.add(fields(row.key, row.name, row.figures)) }
    lines.add(fields(nil, "合计", report.total))
    return lines
  }

  private func fields(_ key: String?, _ name: String, _ f: Figures) -> [CSVLines.Field] {
    [
      .text(key), .text(name), .int(f.received), .int(f.onTime.total), .int(f.late.total), .int(f.declinedTotal),
      .int(f.declinedLate),
    ] + reasons.map { .int(f.declined[$0.code] ?? 0) } + [
      .int(f.returned), .int(f.transferred), .int(f.withdrawn), .int(f.open), .int(f.overdue), .number(f.days.median),
      .int(f.days.p90), .int(f.acknowledged.total), .number(f.acknowledged.median), .int(f.acknowledged.p90),
      .int(f.sentLate), .int(f.acknowledgedOnTime), .int(f.acknowledgedLate),
    ]
  }
}

extension ReportGrouping {
  var title: Phrase {
    switch self {
    case .organ: Phrase("机关", "Organ")
    case .procedure: Phrase("程序", "Procedure")
    case .item: Phrase("证明事项", "Item")
    case .month: Phrase("月份", "Month")
    }
  }
}

extension Figures {
  func write(_ w: inout JSONWriter) {
    w.int("received", received)
    w.int("answeredOnTime", onTime.total)
    w.int("late", late.total)
    w.int("open", open)
    w.int("overdue", overdue)
    w.int("declined", declinedTotal)
    w.int("declinedLate", declinedLate)
    w.object("declinedByReason") { w in
      for (code, count) in declined.sorted(by: { $0.key < $1.key }) { w.member(code, .int(count)) }
    }
    w.int("returned", returned)
    w.int("transferred", transferred)
    w.int("withdrawn", withdrawn)
    w.int("sentLate", sentLate)
    w.object("workingDays") { days.write(&$0) }
    w.object("acknowledged") { w in
      w.int("count", acknowledged.total)
      w.object("workingDays") { acknowledged.write(&$0) }
    }
    w.int("acknowledgedOnTime", acknowledgedOnTime)
    w.int("acknowledgedLate", acknowledgedLate)
  }
}

extension DayHistogram {
  fileprivate func write(_ w: inout JSONWriter) {
    if let median { w.raw("median", Array(median.utf8)) } else { w.null("median") }
    w.int("p90", p90)
  }
}
