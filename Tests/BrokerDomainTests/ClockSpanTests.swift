internal import BrokerDomain
internal import Testing

/// The ledger of a clock, for every way that it may go: spans of it run, stopped and ended, by the events of the request.
@Suite struct ClockSpanTests {
  private static func play(_ story: ClockStories.Story) throws -> (AssistanceRequest, [ClockSpan], Instant, Reference) {
    func moment(_ text: String) throws -> Instant { try instant("2026-\(text):00:00+08:00") }
    let reference = try makeReference(procedures: [story.procedure])
    let content = Content(
      questions: sampleContent().questions, purpose: "产前检查费支付", data: try json(story.data))
    var decision = try AssistanceRequest.submit(
      submission(procedure: "case", item: nil, to: ClockStories.asked, content: content),
      by: #require(reference.organ(code(ClockStories.asks))), id: sampleID, now: moment(story.received),
      reference: reference)
    var events = [decision.event]
    for step in story.steps {
      decision = try decision.request.carryOut(
        step.command, by: code(step.by), now: moment(step.at), expectedVersions: nil, reference: reference)
      events.append(decision.event)
    }
    let now = try moment(story.now)
    return (
      decision.request, decision.request.clockSpans(events.map(read), now: now, reference: reference), now, reference
    )
  }

  @Test(arguments: ClockStories.all) func story(_ story: ClockStories.Story) throws {
    let (request, spans, now, reference) = try Self.play(story)
    #expect(spans.map { Self.line($0, reference) } == story.spans)
    try Self.expectWhole(spans, request, now, reference)
  }

  /// February 2020 once more: a working day is given off while it runs.
  @Test func recomputation() throws {
    let plain = try makeReference()
    let submitted = try AssistanceRequest.submit(
      submission(item: nil, to: ClockStories.asked), by: #require(plain.organ(code(ClockStories.asks))), id: sampleID,
      now: instant("2026-11-20T10:00:00+08:00"), reference: plain)
    let off = AnnouncedDay(date: try date("2026-11-26"), kind: .off, festival: "测试", notice: "国办发明电〔2026〕9号")
    let changed = Reference(
      organs: plain.organs, items: plain.items, assistance: plain.assistance,
      calendar: plain.calendar.amended(by: [("", off)]), procedures: Array(plain.procedures.values),
      lastDay: plain.lastDay)
    let moved = try #require(
      submitted.request.recomputed(now: instant("2026-11-24T08:00:00+08:00"), reference: changed))
    let now = try instant("2026-11-27T09:00:00+08:00")
    let spans = moved.request.clockSpans(
      [submitted.event, moved.event].map(Self.read), now: now, reference: changed)
    #expect(
      spans.map { Self.line($0, changed) } == [
        "running submitted 11-20 → 11-24 民政局 #1 2, 2/5 due 11-27",
        "running deadline-changed 11-24 → … 民政局 #1 2, 4/5 due 11-30 (11-27)",
      ])
    #expect(spans[1].facts.notices == ["国办发明电〔2026〕9号"])
    let text = spans[1].text { changed.organ($0)?.name }
    #expect(
      text.zh
        == "2026-11-24T08:00:00+08:00 放假安排变动，重新计算，届满日 2026-11-30（原 2026-11-27），依据 国办发明电〔2026〕9号；至今用2个工作日，累计4/5")
    #expect(
      text.en.hasSuffix(
        "due 2026-11-30 (before: 2026-11-27), by 国办发明电〔2026〕9号; until now 2 working days used, 4/5 in all"))
    try Self.expectWhole(spans, moved.request, now, changed)
  }

  /// What is read back from the store: the same, as bytes.
  private static func read(_ event: Event) -> ClockEvent {
    var w = JSONWriter(capacity: 256)
    w.value(nil, event.data)
    return ClockEvent(type: event.type, at: event.at, data: (try? JSON.parse(w.finish())) ?? .null)
  }

  private static func line(_ span: ClockSpan, _ reference: Reference) -> String {
    func day(_ text: String) -> String { String(text.dropFirst(5).prefix(5)) }
    let (cause, facts) = (span.cause.rawValue.dropFirst("request.".count), span.facts)
    let organ = reference.organ(span.organ)?.name.replacing("启东市", with: "") ?? "?"
    let time = "\(day(span.from.rfc3339)) → \(span.to.map { day($0.rfc3339) } ?? "…")"
    let figures = span.kind == .running ? "\(span.used), " : ""
    var words = [
      "\(span.kind.rawValue) \(cause) \(time) \(organ) #\(span.clock) \(figures)\(span.usedTotal)/\(span.budget)"
    ]
    if span.kind == .running { words.append("due \(day(span.due.description))") }
    if span.kind == .running, let before = span.previousDue { words.append("(\(day(before.description)))") }
    if let added = facts.added { words.append("+\(added)") }
    if span.isRestart { words.append("anew") }
    if span.isOverdue { words.append("overdue") }
    words += [facts.reason, facts.approver, span.result?.rawValue].compactMap(\.self)
    if facts.isRuling { words.append("ruling") }
    if facts.isKept { words.append("kept") }
    return words.joined(separator: " ")
  }

  /// One span begins where the one before it ends, days add up, and the last one says what the request says.
  private static func expectWhole(
    _ spans: [ClockSpan], _ request: AssistanceRequest, _ now: Instant, _ reference: Reference
  ) throws {
    for (before, after) in zip(spans, spans.dropFirst()) {
      #expect(before.to == after.from || before.kind == .ended, "\(after.from.rfc3339)")
      if before.clock == after.clock { #expect(after.usedTotal == before.usedTotal + after.used) }
      #expect(after.clock == before.clock + (after.isRestart ? 1 : 0))
    }
    let last = try #require(spans.last)
    let status = request.clockStatus(now: now)
    switch last.kind {
    case .running:
      #expect(last.to == nil && (last.isOverdue ? .missed : .running) == status && last.due == request.deadline.date)
      let left = reference.calendar.workingDays(
        after: now.date, through: last.due, region: request.calendarRegion(reference))
      #expect(last.isOverdue || last.usedTotal + left == last.budget)
    case .paused: #expect(last.to == nil && status == .paused)
    case .ended: #expect(last.result == status && last.to == last.from)
    }
  }

  /// What a clerk reads, of every kind of span once.
  static let texts: [(story: String, [String])] = [
    (
      "a supplement",
      [
        "起算5个工作日（当日不计），届满日 2026-11-27；至 2026-11-24T09:00:00+08:00用2个工作日，累计2/5",
        "要求补正，时限停止，待启东市医疗保障局补正（已用2/5个工作日）；至 2026-12-01T10:00:00+08:00",
        "补正完毕，重新起算5个工作日（当日不计），届满日 2026-12-08（原 2026-11-27）；至 2026-12-03T10:00:00+08:00用2个工作日，累计2/5",
        "答复，时限结束，按期（已用2/5个工作日）",
      ]
    ),
    (
      "a return and a transfer",
      [
        "退回（不属于本机关职权），时限停止，待启东市医疗保障局处理（已用1/5个工作日）；至 2026-11-25T10:00:00+08:00",
        "移送启东市公安局办理，重新起算5个工作日（当日不计），届满日 2026-12-02（原 2026-11-27）；至今用7个工作日，累计7/5，已逾期",
      ]
    ),
    (
      "an extension, and declined late",
      [
        "延期3个工作日，共8个，届满日 2026-12-02（原 2026-11-27）；至 2026-12-03T09:00:00+08:00用6个工作日，累计9/8，已逾期",
        "告知不能协助，时限结束，逾期（已用9/8个工作日）",
      ]
    ),
    (
      "a clock that is kept",
      [
        "退回（不属于本机关职权），时限不停，待启东市医疗保障局处理，届满日 2026-03-24；至 2026-03-20T10:00:00+08:00用2个工作日，累计3/5",
        "移送启东市公安局办理，时限不停，届满日 2026-03-24；至 2026-03-23T11:00:00+08:00用1个工作日，累计4/5",
        "裁定仍由启东市公安局办理，时限不停，届满日 2026-03-24；至 2026-03-25T10:00:00+08:00用2个工作日，累计6/5，已逾期",
      ]
    ),
    ("a date that was named", ["按所定日期，自次日起共6个工作日，届满日 2026-11-30；至 2026-11-27T09:00:00+08:00用5个工作日，累计5/6"]),
    ("the sender's clock", ["送交，时限结束，按期（已用6/7个工作日）"]),
    ("withdrawn while it waits", ["撤回，时限结束，按期（已用2/5个工作日）"]),
  ]

  @Test(arguments: texts) func text(_ what: String, _ expected: [String]) throws {
    let story = try #require(ClockStories.all.first { $0.what == what })
    let (_, spans, _, reference) = try Self.play(story)
    let texts = spans.map { span in span.text { reference.organ($0)?.name } }
    let zh = zip(spans, texts).map { $1.zh.replacing("\($0.from.rfc3339) ", with: "") }
    for line in expected { #expect(zh.contains(line), "\(zh)") }
    for (span, text) in zip(spans, texts) {
      #expect(
        text.en.hasPrefix(span.from.rfc3339) && text.en.contains("\(span.usedTotal)/\(span.budget)"), "\(text.en)")
    }
  }
}
