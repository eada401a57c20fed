internal import BrokerDomain
internal import BrokerStore

/// 总结: what a half year came to, for the superior; situation, results, problems, and what follows from the figures.
struct SummaryDocument {
  private let content: DocumentContent

  init(_ content: DocumentContent) { self.content = content }

  var html: String {
    let title = "\(content.issuer.name)关于\(content.periodName)证明事项告知承诺制协助核查工作情况的总结"
    return HTMLText.page(title: title, wide: false) { html in
      html.element("h1", title)
      if let superior = content.superior { html.element("p", superior + "：", [("class", "to")]) }
      html.element("p", "现将\(content.periodSoFar)证明事项告知承诺制协助核查工作情况总结如下。")
      html.section("一、工作情况", content.received)
      html.figures("机关", content.organs, content.total)
      html.section("二、办理时效", content.speed)
      html.figures("月份", content.months, content.total)
      html.section("三、分事项情况", "本期涉及\(content.procedures.count)类事项，办理情况如下。")
      html.figures("事项", content.procedures, content.total)
      html.section("四、存在的问题", content.lateness)
      html.lateFromBefore(content)
      html.element("p", content.declines)
      html.section("五、下一步工作", next)
      html.overdue(content)
      html.carriedOver(content)
      html.signature(content)
    }
  }

  /// Only what the figures give cause for.
  private var next: String {
    let f = content.total
    var parts: [String] = []
    let overdue = f.overdue + content.earlier.total.overdue
    if overdue > 0 { parts.append("对逾期未办结的\(overdue)件逐件督办，限期办结") }
    if content.hasLateReplies { parts.append("对有逾期情形的机关提醒整改，督促其按规定时限办理") }
    if f.sentLate > 0 { parts.append("对逾期送交的机关提醒整改，督促其按规定期限备案、报送") }
    if f.declinedTotal > 0 { parts.append("对不能协助的理由逐件复核，防止推诿") }
    if f.returned + f.transferred > 0 { parts.append("根据退回、移送情况核对行政协助事项清单，明确协助机关") }
    if parts.isEmpty { parts.append("继续按行政协助事项清单的时限办理") }
    return parts.enumerated().map { "（\(["一", "二", "三", "四", "五"][$0])）\($1)" }.joined(separator: "；") + "。"
  }
}

/// 通报: told to the organs of the region, with the names of those that were late.
struct CircularDocument {
  private let content: DocumentContent

  init(_ content: DocumentContent) { self.content = content }

  var html: String {
    let title = "\(content.issuer.name)关于\(content.periodName)协助核查办理时限情况的通报"
    return HTMLText.page(title: title, wide: false) { html in
      html.element("h1", title)
      let to = content.concerned.filter { $0 != content.issuer.name }
      html.element("p", (to.isEmpty ? "各有关机关" : to.joined(separator: "、")) + "：", [("class", "to")])
      html.element("p", "现将\(content.periodSoFar)协助核查办理时限情况通报如下。")
      html.section("一、总体情况", content.received)
      html.element("p", content.speed)
      html.figures("机关", content.organs, content.total)
      html.section("二、逾期情况", content.lateness)
      html.lateFromBefore(content)
      html.overdue(content)
      html.carriedOver(content)
      html.section("三、不能协助情况", content.declines)
      html.section("四、工作要求", demand)
      html.signature(content)
    }
  }

  private var demand: String {
    let f = content.total
    let sending = f.sentLate > 0 ? "逾期送交的机关应当查明原因，今后按规定期限备案、报送。" : ""
    let overdue = f.overdue + content.earlier.total.overdue
    let isLate = overdue > 0 || content.hasLateReplies
    guard isLate || f.sentLate > 0 else {
      return "请各机关继续按行政协助事项清单的时限办理，确需延期的，届满前按规定提出。"
    }
    return (overdue > 0 ? "逾期未办结的，请有关机关收到本通报后立即办结（只须签收的，立即签收）；确实不能协助的，书面说明理由。" : "")
      + (isLate ? "有逾期情形的机关应当查明原因，认真整改。" : "") + sending
      + "被请求机关不得推诿或者拒绝协助；确需延期的，届满前按规定提出。"
  }
}

extension HTMLText {
  mutating func section(_ title: String, _ words: String) {
    element("h2", title)
    element("p", words)
  }

  mutating func figures(_ first: String, _ rows: [ReportTable.Row], _ total: Figures) {
    let cells = { (f: Figures) -> [String] in
      [
        f.received, f.onTime.total, f.late.total, f.declinedTotal, f.returned, f.transferred, f.withdrawn, f.open,
        f.overdue,
      ].map(String.init) + [f.days.median ?? "—", f.days.p90.map(String.init) ?? "—", String(f.sentLate)]
    }
    element("table") { html in
      html.element("thead") { html in
        html.row(
          [first, "收到", "按时答复", "逾期答复", "不能协助", "退回", "移送", "撤回", "未办结", "已逾期", "中位数", "九成以内", "逾期送交"], heading: true)
      }
      html.element("tbody") { html in
        for row in rows { html.row([row.name] + cells(row.figures)) }
        html.element("tr", [("class", "sum")]) { html in
          for (index, cell) in (["合计"] + cells(total)).enumerated() {
            html.element("td", cell, index > 0 ? [("class", "n")] : [])
          }
        }
      }
    }
  }

  /// The longest overdue by name: number, organ and due day, and nobody's personal data.
  mutating func overdue(_ content: DocumentContent) {
    overdue(content.report, content, of: "本期收到、")
  }

  mutating func lateFromBefore(_ content: DocumentContent) {
    if let words = content.lateFromBefore { element("p", words) }
  }

  /// The same of what was received before.
  mutating func carriedOver(_ content: DocumentContent) {
    guard let words = content.carriedOver else { return }
    element("p", words)
    overdue(content.earlier, content, of: "此前收到、")
  }

  private mutating func overdue(_ report: TimelinessReport, _ content: DocumentContent, of which: String) {
    let (shown, count) = (report.overdue, report.total.overdue)
    guard !shown.isEmpty else { return }
    let cut = count > shown.count ? "（共\(count)件，列逾期最久的\(shown.count)件）" : ""
    element("p", "\(which)截至\(content.asOf)逾期未办结的事项\(cut)：")
    element("table") { html in
      html.element("thead") { html in
        html.row(["机关", "事项", "文号或编号", "届满日"], heading: true, numbersFrom: 4)
      }
      html.element("tbody") { html in
        for row in shown {
          html.row(
            [
              content.name(of: row.holder), content.title(of: row.procedure), row.reference ?? row.id.description,
              row.dueDate.chinese,
            ], numbersFrom: 4)
        }
      }
    }
  }

  mutating func signature(_ content: DocumentContent) {
    raw("<br>")
    element("p", content.issuer.name, [("class", "sign")])
    element("p", content.issuedOn, [("class", "sign")])
  }
}
