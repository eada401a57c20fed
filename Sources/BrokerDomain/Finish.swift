/// An event that ends the turn of an organ, or acknowledges it, or by which a request was sent late, with what decides how it is counted.
package struct Finish: Sendable {
  package let type: EventType
  package let at: Instant
  /// When the request was received first.
  package let receivedAt: Instant
  /// Of the request after the event; of a transfer, before it.
  package let progress: Progress
  package let dueAt: Instant
  /// Of a decline.
  package let reasonCode: String?
  /// Of the organ whose turn it was, or who sent it late: by its calendar receipt is acknowledged.
  package let region: RegionCode?
  /// Whose calendar the clock counts by: of that organ too, or of the first that had it where the clock is kept through
  /// transfers, and as it was when the clock ended.
  package let clockRegion: RegionCode?
  /// A transfer leaves the clock as it is, and a return too; see `Procedure.Handover`.
  package let keepsClock: Bool
  /// Working days within which its procedure has receipt acknowledged; nil asks for none.
  package let acknowledgeDays: Int?
  /// When it happened, receipt had been acknowledged in this turn, or particulars asked for, which says as much.
  package let wasAcknowledged: Bool

  package init(
    type: EventType, at: Instant, receivedAt: Instant, progress: Progress, dueAt: Instant, reasonCode: String?,
    region: RegionCode?, clockRegion: RegionCode?, keepsClock: Bool = false, acknowledgeDays: Int? = nil,
    wasAcknowledged: Bool = false
  ) {
    self.type = type
    self.at = at
    self.receivedAt = receivedAt
    self.progress = progress
    self.dueAt = dueAt
    self.reasonCode = reasonCode
    self.region = region
    self.clockRegion = clockRegion
    self.keepsClock = keepsClock
    self.acknowledgeDays = acknowledgeDays
    self.wasAcknowledged = wasAcknowledged
  }

  /// Events that count. The others leave every figure as it is; being submitted counts where the clock binds the sender.
  package static let types: [EventType] = [
    .submitted, .acknowledged, .supplementAsked, .answered, .declined, .returned, .transferred, .withdrawn, .closed,
  ]

  /// The day on which the organ received it.
  package var receivedOn: CalendarDate { progress.turnStart(receivedAt).date }

  private var isSenders: Bool { progress.bindsSender }
  /// Where receipt is all that is owed, the acknowledgement met the clock and the answer came afterwards. What binds the
  /// sender is no clock of the organ that replies: its days are those from receipt.
  package var clockEnd: Instant { isSenders ? at : progress.metAt ?? at }
  private var isLate: Bool { !isSenders && clockEnd >= dueAt }

  /// What to count, and its days; nil when the turn had ended before: what was returned is counted as that, whatever the
  /// requester does with it afterwards.
  /// - Parameters:
  ///   - calendar: as it was announced at the event.
  ///   - clock: as it was announced when the clock ended (`clockEnd`).
  package func counted(
    _ calendar: WorkingCalendar, clock: WorkingCalendar
  ) -> (measure: Measure, days: Int)? {
    switch type {
    case .submitted: return isSenders && at >= dueAt ? (.sentLate, 0) : nil
    case .acknowledged:
      return (.acknowledged, calendar.workingDays(after: receivedOn, through: at.date, region: region))
    case .answered:
      let start = isSenders ? receivedAt : progress.clockFrom ?? receivedAt
      let days = clock.workingDays(after: start.date, through: clockEnd.date, region: clockRegion)
      return (isLate ? .late : .onTime, days)
    case .declined: return (.declined(reason: reasonCode ?? "other"), isLate ? 1 : 0)
    case .returned: return (.returned, 0)
    case .transferred: return progress.returned == nil ? (.transferred, 0) : nil
    case .withdrawn: return progress.returned == nil ? (.withdrawn, 0) : nil
    default: return nil
    }
  }

  /// How the turn ended late, whether or not anything was replied; nil where it did not. What ended before the due moment
  /// and was let go of afterwards (withdrawn while particulars were waited for) ended in time.
  package var lateEnd: LateEnd? {
    guard !isSenders else { return nil }
    let wasMet = progress.metAt != nil
    switch type {
    case .withdrawn where progress.runsOn, .closed where progress.runsOn, .transferred where progress.runsOn:
      return passedOnLate(since: progress.heldSince(receivedAt)) ? .letGo : nil
    case .acknowledged: return progress.metAt == at && at >= dueAt ? .receipt : nil
    case .answered: return !isLate ? nil : wasMet ? .receiptReplied : .answered
    case .declined: return !isLate ? nil : wasMet ? .receiptReplied : .declined
    case .returned: return passedOnLate(since: progress.turnStart(receivedAt)) ? .returned : nil
    case .transferred:
      return progress.returned == nil && passedOnLate(since: progress.turnStart(receivedAt)) ? .transferred : nil
    case .withdrawn:
      let stopped = progress.supplement.flatMap { $0.supplied == nil ? $0.askedAt : nil } ?? at
      return !wasMet && progress.returned == nil && stopped >= dueAt ? .withdrawn : nil
    default: return nil
    }
  }

  /// Whether who has had it since then let the clock run out and passed it on. On a clock that is kept, who received it
  /// after the due moment inherited the lateness.
  private func passedOnLate(since start: Instant) -> Bool {
    progress.metAt == nil && at >= dueAt && (!keepsClock || start < dueAt)
  }

  /// The day since which whoever ended it late had it.
  package var heldSince: CalendarDate { lateEnd == .letGo ? progress.heldSince(receivedAt).date : receivedOn }

  /// Whether the organ said in time that it has the request, where this is how it first said so: by acknowledging receipt,
  /// or without that by what tells the same and more, an answer, a decline, a return or asking for particulars. Nil of any
  /// other event, and where the procedure has nothing acknowledged.
  package func acknowledgement(_ calendar: WorkingCalendar) -> Measure? {
    guard let acknowledgeDays else { return nil }
    switch type {
    case .acknowledged: break
    case .answered, .declined, .returned, .supplementAsked: if wasAcknowledged { return nil }
    default: return nil
    }
    let due = calendar.deadline(
      receivedAt: progress.turnStart(receivedAt), workingDays: acknowledgeDays, region: region,
      lastDay: LastDayPolicy(endingAt: dueAt))
    return at < due.at ? .acknowledgedOnTime : .acknowledgedLate
  }
}

/// How the turn of an organ ended after the due moment.
package enum LateEnd: String, Sendable, CaseIterable {
  case answered, declined, returned, transferred, withdrawn
  /// Receipt was acknowledged, where that is all that is owed.
  case receipt
  /// What ran on while it lay returned with the organ that had asked was withdrawn or closed by it, or sent on.
  case letGo = "let-go"
  /// What had been acknowledged late was replied to: no second lateness.
  case receiptReplied = "receipt-replied"
}

extension Progress {
  /// When the organ that has the request received it.
  package func turnStart(_ receivedAt: Instant) -> Instant { transfers.last { !$0.kept }?.at ?? receivedAt }

  /// Since when whoever has it in hand has it: what runs on while it lies returned came back to the organ that asked.
  package func heldSince(_ receivedAt: Instant) -> Instant {
    runsOn ? returned?.at ?? turnStart(receivedAt) : turnStart(receivedAt)
  }
}
