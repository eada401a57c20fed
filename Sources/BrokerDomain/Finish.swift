/// An event that ends the turn of an organ, or acknowledges it, with what decides how it is counted.
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
  /// Of the organ whose turn it was: its calendar counts.
  package let region: RegionCode?

  package init(
    type: EventType, at: Instant, receivedAt: Instant, progress: Progress, dueAt: Instant, reasonCode: String?,
    region: RegionCode?
  ) {
    self.type = type
    self.at = at
    self.receivedAt = receivedAt
    self.progress = progress
    self.dueAt = dueAt
    self.reasonCode = reasonCode
    self.region = region
  }

  /// Events that count. The others leave every figure as it is.
  package static let types: [EventType] = [.acknowledged, .answered, .declined, .returned, .transferred, .withdrawn]

  /// The day on which the organ received it.
  package var receivedOn: CalendarDate { progress.turnStart(receivedAt).date }

  /// What to count, and its days; nil when the turn had ended before: what was returned is counted as that, whatever the
  /// requester does with it afterwards.
  package func counted(_ calendar: WorkingCalendar) -> (measure: Measure, days: Int)? {
    // Where receipt is all that is owed, the acknowledgement met the clock and the answer came afterwards.
    let end = progress.metAt ?? at
    let isLate = end >= dueAt
    switch type {
    case .acknowledged:
      return (.acknowledged, calendar.workingDays(after: receivedOn, through: at.date, region: region))
    case .answered:
      let start = progress.clockFrom ?? receivedAt
      let days = calendar.workingDays(after: start.date, through: end.date, region: region)
      return (isLate ? .late : .onTime, days)
    case .declined: return (.declined(reason: reasonCode ?? "other"), isLate ? 1 : 0)
    case .returned: return (.returned, 0)
    case .transferred: return progress.returned == nil ? (.transferred, 0) : nil
    case .withdrawn: return progress.returned == nil ? (.withdrawn, 0) : nil
    default: return nil
    }
  }
}

extension Progress {
  /// When the organ that has the request received it.
  package func turnStart(_ receivedAt: Instant) -> Instant { transfers.last?.at ?? receivedAt }
}
