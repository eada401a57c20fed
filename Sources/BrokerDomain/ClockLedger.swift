/// An event as the ledger of a clock reads it back.
package struct ClockEvent: Sendable {
  let type: EventType
  let at: Instant
  let data: JSON

  package init(type: EventType, at: Instant, data: JSON) {
    self.type = type
    self.at = at
    self.data = data
  }
}

extension AssistanceRequest {
  /// The ledger of its clock: every span from the start of the first one to its end, or to now. Days are counted by the
  /// calendar by which the 算式 counts, and in the region: as they are now, or were when the clock ended or was stopped.
  /// - Parameter events: all that have happened to it, in order.
  package func clockSpans(_ events: [ClockEvent], now: Instant, reference: Reference) -> [ClockSpan] {
    var ledger = ClockLedger(self, reference)
    for event in events { ledger.add(event) }
    return ledger.spans(now: now)
  }
}

/// A clock, read again event by event.
private struct ClockLedger {
  private let request: AssistanceRequest
  private let reference: Reference
  private let calendar: WorkingCalendar
  private var spans: [ClockSpan] = []
  /// Of the present clock; what an event does not say is as the request has it.
  private var clock = 1
  private var start: Instant
  private var budget: Int
  private var due: CalendarDate
  private var provisional: Bool
  private var isDated = false
  private var responder: OrganCode
  private var region: RegionCode?
  /// Until a transfer starts another one.
  private var hasEnded = false

  init(_ request: AssistanceRequest, _ reference: Reference) {
    (self.request, self.reference, calendar) = (request, reference, reference.calendar(of: request))
    (responder, start) = (request.responder, request.receivedAt)
    let deadline = request.deadline
    (budget, due, provisional) = (deadline.workingDays, deadline.date, deadline.provisional)
  }

  private var procedure: Procedure? { reference.procedure(of: request) }
  private var keepsClock: Bool { procedure?.handover == .keeps }

  private func region(of organ: OrganCode) -> RegionCode? {
    reference.organ(organ)?.region(at: request.clockStoppedAt)
  }

  mutating func add(_ event: ClockEvent) {
    switch event.type {
    case .submitted: submitted(event)
    case .supplied: restart(event, by: responder)
    case .transferred: transferred(event)
    case .acknowledged:
      if procedure?.owesReceiptOnly == true { end(event) }
    case .answered, .declined, .withdrawn, .closed: end(event)
    case .supplementAsked: change(event, .paused, with: request.requester)
    case .returned: change(event, keepsClock ? .running : .paused, with: request.requester)
    case .extended: change(event, .running, with: responder)
    case .deadlineChanged: change(event, .running, with: spans.last?.organ ?? responder)
    case .reminded, .dueSoon, .overdue, .escalated, .followedUp, .reversed: break
    }
  }

  func spans(now: Instant) -> [ClockSpan] {
    var ledger = self
    if spans.last?.to == nil { ledger.count(to: now) }
    return ledger.spans
  }

  private mutating func submitted(_ event: ClockEvent) {
    if let to = event.data["to"]?.organ { responder = to }
    start = procedure?.clockStart(receivedAt: request.receivedAt, data: request.content.data) ?? request.receivedAt
    region = region(of: responder)
    isDated =
      procedure?.namedDate(
        receivedAt: request.receivedAt, data: request.content.data, region: region, calendar: calendar) != nil
    let bound = request.progress.bindsSender ? request.requester : responder
    // A clock from a stated day has run since then.
    begin(.running, event, from: min(start, event.at), with: bound)
    if request.progress.bindsSender { end(event) }
  }

  /// Another clock, from this moment.
  private mutating func restart(_ event: ClockEvent, by organ: OrganCode) {
    close(at: event.at)
    (clock, start, hasEnded, responder) = (clock + 1, event.at, false, organ)
    if !keepsClock { region = region(of: organ) }
    begin(.running, event, from: event.at, with: organ, isRestart: true)
  }

  private mutating func transferred(_ event: ClockEvent) {
    let to = event.data["to"]?.organ ?? responder
    guard keepsClock || event.data["kept"]?.boolValue == true else { return restart(event, by: to) }
    responder = to
    change(event, .running, with: to)
  }

  /// The same clock goes on otherwise, or stands still.
  private mutating func change(_ event: ClockEvent, _ kind: ClockSpan.Kind, with organ: OrganCode) {
    guard !hasEnded else { return }
    close(at: event.at)
    begin(kind, event, from: event.at, with: organ)
  }

  private mutating func end(_ event: ClockEvent) {
    guard !hasEnded else { return }
    // Of what waited for the organ that asked, the one that was asked had done its part.
    let last = spans.last.flatMap { $0.kind == .paused ? $0.from : nil } ?? event.at
    let organ = spans.last?.organ ?? responder
    close(at: event.at)
    begin(.ended, event, from: event.at, with: organ, result: last < dueMoment ? .met : .missed)
    spans[spans.count - 1].to = event.at
    hasEnded = true
  }

  private mutating func begin(
    _ kind: ClockSpan.Kind, _ event: ClockEvent, from: Instant, with organ: OrganCode, isRestart: Bool = false,
    result: AssistanceRequest.ClockStatus? = nil
  ) {
    let data = event.data
    let before = data["previousDueDate"]?.stringValue.flatMap { CalendarDate($0) }
    if kind == .running {
      due = data["dueDate"]?.stringValue.flatMap { CalendarDate($0) } ?? due
      budget = data["workingDays"]?.intValue ?? budget
      provisional = data["provisional"]?.boolValue ?? provisional
    }
    var span = ClockSpan(
      kind: kind, cause: event.type, from: from, to: nil, clock: clock, isRestart: isRestart,
      isDated: isDated, organ: organ, budget: budget, due: due, previousDue: before, provisional: provisional,
      result: result,
      facts: kind == .ended ? ClockSpan.Facts() : ClockSpan.Facts(data))
    span.usedTotal = spans.last.map { $0.clock == clock ? $0.usedTotal : 0 } ?? 0
    spans.append(span)
  }

  private mutating func close(at moment: Instant) {
    guard let last = spans.last, last.to == nil else { return }
    spans[spans.count - 1].to = moment
    count(to: moment)
  }

  /// What the last span has used of the budget by a moment.
  private mutating func count(to moment: Instant) {
    guard let last = spans.last, last.kind == .running else { return }
    let total = calendar.workingDays(after: start.date, through: moment.date, region: region)
    spans[spans.count - 1].used = total - last.usedTotal
    spans[spans.count - 1].usedTotal = total
    spans[spans.count - 1].isOverdue = moment >= dueMoment
  }

  private var dueMoment: Instant {
    due.midnight + Int64(LastDayPolicy(endingAt: request.deadline.at).endMinute) * 60_000
  }
}

extension ClockSpan.Facts {
  /// As the event tells it.
  fileprivate init(_ data: JSON) {
    self.init()
    added = data["added"]?.intValue
    reason = data["reason"]?.stringValue
    approver = data["approver"]?.stringValue
    notices = data["notices"]?.arrayValue?.compactMap(\.stringValue) ?? []
    if let old = data["previousRegion"]?.stringValue, let new = data["region"]?.stringValue {
      regions = Regions(old: old, new: new)
    }
    isRuling = data["ruling"]?.boolValue == true
    isKept = data["kept"]?.boolValue == true
  }
}
