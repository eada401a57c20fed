internal import BrokerDomain
internal import BrokerStore

extension ReportTable {
  /// The report as a page to be read on a screen and printed: figures in words, two charts, the table.
  var html: String {
    let title = "办理时限统计（按\(grouping.title.zh)）"
    return HTMLText.page(title: title, wide: true) { html in
      html.element("h1", title)
      html.element("div", "Timeliness by \(grouping.title.en.lowercased())", [("class", "en")])
      html.element("p") { html in
        html.put("收到日期 \(period.from) 至 \(period.to)；\(audience)；制表时间 \(madeAt)")
        html.raw("<br>")
        html.element(
          "span", "Received \(period.from) to \(period.to); open and overdue as of \(madeAt)",
          [("class", "en")])
      }
      html.element("p", sentence)
      html.element("h2", "办理结果 / What became of them")
      html.legend(FigurePart.allCases.map { ($0.title, $0.color) })
      html.bars(rows.map { ($0.name, $0.figures) })
      html.element("h2", "答复所用工作日 / Working days until the answer")
      html.histogram(onTime: report.total.onTime, late: report.total.late)
      html.element("h2", "明细 / Figures")
      table(&html)
      notes(&html)
    }
  }

  /// To the minute, in legal time.
  private var madeAt: String { "\(report.at.date) \(report.at.rfc3339.dropFirst(11).prefix(5))" }

  private var audience: String {
    guard let organ else { return "全部机关" }
    return isSupervisor ? "\(organ.name)监督范围（\(organ.region)）" : organ.name
  }

  private var sentence: String {
    let f = report.total
    return "共收到\(f.received)件：按时答复\(f.onTime.total)件，逾期答复\(f.late.total)件，书面告知不能协助\(f.declinedTotal)件，退回\(f.returned)件，"
      + "移送\(f.transferred)件，撤回\(f.withdrawn)件，未办结\(f.open)件（其中已逾期\(f.overdue)件）。"
      + (f.sentLate > 0 ? "另有逾期送交的\(f.sentLate)件。" : "")
      + (f.days.median.map { "答复用时中位数\($0)个工作日，第90百分位\(f.days.p90 ?? 0)个工作日。" } ?? "")
  }

  private func table(_ html: inout HTMLText) {
    let heading =
      [grouping.title.zh, "收到", "按时", "逾期", "不能协助"] + reasons.map { "其中：\($0.title.zh)" }
      + ["退回", "移送", "撤回", "未办结", "已逾期", "中位数", "P90", "签收", "签收中位数", "签收P90", "按期签收", "逾期签收", "逾期送交"]
    let english =
      [grouping.title.en, "Received", "On time", "Late", "Declined"] + reasons.map(\.title.en)
      + [
        "Returned", "Transferred", "Withdrawn", "Open", "Overdue", "Median", "P90", "Acknowledged", "Median", "P90",
        "Ack. on time", "Ack. late", "Sent late",
      ]
    html.element("table") { html in
      html.element("thead") { html in
        html.row(heading, heading: true)
        html.row(english, heading: true)
      }
      html.element("tbody") { html in
        for row in rows { html.row([row.name] + cells(row.figures)) }
        html.element("tr", [("class", "sum")]) { html in
          for (index, cell) in (["合计 Total"] + cells(report.total)).enumerated() {
            html.element("td", cell, index > 0 ? [("class", "n")] : [])
          }
        }
      }
    }
  }

  private func cells(_ f: Figures) -> [String] {
    [f.received, f.onTime.total, f.late.total, f.declinedTotal].map(String.init)
      + reasons.map { String(f.declined[$0.code] ?? 0) }
      + [f.returned, f.transferred, f.withdrawn, f.open, f.overdue].map(String.init)
      + [f.days.median ?? "—", f.days.p90.map(String.init) ?? "—", String(f.acknowledged.total)]
      + [f.acknowledged.median ?? "—", f.acknowledged.p90.map(String.init) ?? "—"]
      + [f.acknowledgedOnTime, f.acknowledgedLate, f.sentLate].map(String.init)
  }

  private func notes(_ html: inout HTMLText) {
    html.element(
      "p",
      "说明：以被请求机关收到之日归期；移送的，由接收机关另计一件，最后办理的机关对时限负责；补正后重新起算的，所用工作日自重新起算之日计；"
        + "退回的计退回，期限照常计算的（如投诉举报），在请求机关手中期间另计为其未办结的一件。"
        + "工作日按被请求机关所在地区的日历计算。封存事项只计入收到它的机关自己的统计。"
        + "期限约束送交机关的（如清单备案、半年总结），逾期送交计在送交机关，收到的机关不因此逾期。"
        + "按期、逾期签收以程序的签收期限为准，未签收而直接答复、告知不能协助、退回或者要求补正的，视为同时签收。")
    html.element(
      "p",
      "Counted by the day on which the requested organ received it; after a transfer the organ that it went to received it "
        + "anew. What was returned counts as returned; where its clock runs on (a complaint) it is also open with the organ "
        + "that asked for as long as it lies there. Days are working days of the clock that the answer met or missed, by the calendar of the requested "
        + "organ's region. What is sealed is in the figures of the organ that received it, and in no others. Where a clause "
        + "obliges the sender, as with the filing of a list, what was sent late is counted against the organ that sent it. "
        + "Acknowledged on time or late goes by the days of the procedure; an answer, a decline, a return or asking for "
        + "particulars without an acknowledgement is one.",
      [("class", "en")])
  }
}

/// The parts into which every turn falls, with a colour that also tells them apart in grey.
enum FigurePart: CaseIterable {
  case onTime, late, declined, returned, transferred, withdrawn, open, overdue

  var title: Phrase {
    switch self {
    case .onTime: Phrase("按时答复", "on time")
    case .late: Phrase("逾期答复", "late")
    case .declined: Phrase("不能协助", "declined")
    case .returned: Phrase("退回", "returned")
    case .transferred: Phrase("移送", "transferred")
    case .withdrawn: Phrase("撤回", "withdrawn")
    case .open: Phrase("未办结", "open")
    case .overdue: Phrase("未办结且已逾期", "overdue")
    }
  }

  var color: String {
    switch self {
    case .onTime: "#2e7d5b"
    case .late: "#e08a00"
    case .declined: "#6a4fa3"
    case .returned: "#8fa8c8"
    case .transferred: "#4f7fb8"
    case .withdrawn: "#b9b9b9"
    case .open: "#dfe6ee"
    case .overdue: "#b00020"
    }
  }

  func count(_ f: Figures) -> Int {
    switch self {
    case .onTime: f.onTime.total
    case .late: f.late.total
    case .declined: f.declinedTotal
    case .returned: f.returned
    case .transferred: f.transferred
    case .withdrawn: f.withdrawn
    case .open: f.open - f.overdue
    case .overdue: f.overdue
    }
  }
}
