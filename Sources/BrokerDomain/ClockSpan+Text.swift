extension ClockSpan {
  /// The line in words that a clerk can put on file.
  /// - Parameter name: of an organ; its code stands where the directory has it no more.
  package func text(name: (OrganCode) -> String?) -> Phrase {
    let organ = name(organ) ?? "\(organ)"
    let (head, tail) =
      switch kind {
      case .running: (running(organ), usage)
      case .paused: (paused(organ), until)
      case .ended: (ended, Phrase("", ""))
      }
    return Phrase("\(from.rfc3339) \(head.zh)\(tail.zh)", "\(from.rfc3339) \(head.en)\(tail.en)")
  }

  private func running(_ organ: String) -> Phrase {
    let provisional = Phrase.mark(provisional: provisional)
    let before =
      previousDue.flatMap { $0 == due ? nil : $0 }
      .map { Phrase("（原 \($0)）", " (before: \($0))") } ?? Phrase("", "")
    let day = Phrase("届满日 \(due)\(before.zh)\(provisional.zh)", "due \(due)\(before.en)\(provisional.en)")
    switch cause {
    case .extended:
      let added = facts.added ?? 0
      return Phrase(
        "延期\(added)个工作日，共\(budget)个，\(day.zh)",
        "extended by \(added) to \(Phrase.count(budget, "working day")), \(day.en)")
    case .deadlineChanged: return recomputed(day)
    case .returned:
      return Phrase(
        "退回\(why.zh)，时限不停，待\(organ)处理，\(day.zh)",
        "returned\(why.en), the clock runs on, with \(organ), \(day.en)")
    default: break
    }
    let hand =
      switch cause {
      case .transferred where facts.isKept: Phrase("裁定仍由\(organ)办理", "ruled that \(organ) keeps it")
      case .transferred where facts.isRuling: Phrase("裁定由\(organ)办理", "ruled that \(organ) handles it")
      case .transferred: Phrase("移送\(organ)办理", "transferred to \(organ)")
      case .supplied: Phrase("补正完毕", "supplied")
      default: Phrase("", "")
      }
    return Phrase("\(hand.zh)\(count.zh)，\(day.zh)", "\(hand.en)\(count.en), \(day.en)")
  }

  /// What this span counts, after whose turn it is.
  private var count: Phrase {
    let isFirst = cause == .submitted
    guard isFirst || isRestart else { return Phrase("，时限不停", ", the clock runs on") }
    let comma = isFirst ? Phrase("", "") : Phrase("，", ", ")
    guard !isDated else {
      return Phrase(
        "\(comma.zh)按所定日期，自次日起共\(budget)个工作日",
        "\(comma.en)by the date set, \(Phrase.count(budget, "working day")) from the next day")
    }
    return Phrase(
      "\(comma.zh)\(isFirst ? "" : "重新")起算\(budget)个工作日（当日不计）",
      "\(comma.en)\(Phrase.count(budget, "working day")) from the next day\(isFirst ? "" : " anew") (that day is not counted)"
    )
  }

  private func recomputed(_ day: Phrase) -> Phrase {
    let notices = facts.notices.joined(separator: "、")
    let by = notices.isEmpty ? Phrase("", "") : Phrase("，依据 \(notices)", ", by \(notices)")
    let why =
      facts.regions.map {
        Phrase(
          "机关改属行政区划\($0.new)（原 \($0.old)），按其日历重新计算",
          "recomputed by the calendar of region \($0.new), to which the organ moved from \($0.old)")
      } ?? Phrase("放假安排变动，重新计算", "recomputed for a changed calendar")
    return Phrase("\(why.zh)，\(day.zh)\(by.zh)", "\(why.en), \(day.en)\(by.en)")
  }

  private func paused(_ organ: String) -> Phrase {
    cause == .returned
      ? Phrase(
        "退回\(why.zh)，时限停止，待\(organ)处理（已用\(ratio)个工作日）",
        "returned\(why.en), the clock stops, with \(organ) (\(ratio) working days used)")
      : Phrase(
        "要求补正，时限停止，待\(organ)补正（已用\(ratio)个工作日）",
        "particulars asked for, the clock stops, \(organ) is to supply (\(ratio) working days used)")
  }

  private var ended: Phrase {
    let what =
      switch cause {
      case .submitted: Phrase("送交", "sent")
      case .acknowledged: Phrase("签收", "acknowledged")
      case .answered: Phrase("答复", "answered")
      case .declined: Phrase("告知不能协助", "declined")
      case .withdrawn: Phrase("撤回", "withdrawn")
      default: Phrase("归档", "closed")
      }
    let kept = result == .met ? Phrase("按期", "in time") : Phrase("逾期", "late")
    return Phrase(
      "\(what.zh)，时限结束，\(kept.zh)（已用\(ratio)个工作日）",
      "\(what.en), the clock ends, \(kept.en) (\(ratio) working days used)")
  }

  private var why: Phrase {
    facts.reason.map { Phrase("（\($0)）", " (\($0))") } ?? Phrase("", "")
  }

  private var ratio: String { "\(usedTotal)/\(budget)" }

  private var until: Phrase {
    to.map { Phrase("；至 \($0.rfc3339)", "; until \($0.rfc3339)") } ?? Phrase("；至今", "; until now")
  }

  private var usage: Phrase {
    let late = isOverdue ? Phrase("，已逾期", ", overdue") : Phrase("", "")
    return Phrase(
      "\(until.zh)用\(used)个工作日，累计\(ratio)\(late.zh)", "\(until.en) \(used) working days used, \(ratio) in all\(late.en)"
    )
  }
}
