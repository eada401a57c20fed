/// How a request stands at a moment: all that a representation says of the moment in which it is read. As long as this
/// and the request stay the same, so does every byte of it.
package struct Standing: Sendable, Equatable {
  /// Working days; below zero after the last day.
  let remaining: Int
  let status: AssistanceRequest.ClockStatus
  let isOverdue: Bool
  let isReplyLate: Bool

  /// - Parameter region: whose calendar its days are counted in; see `AssistanceRequest.countedRegion`.
  package init(of request: borrowing AssistanceRequest, now: Instant, calendar: WorkingCalendar, region: RegionCode?) {
    let until = request.clockStoppedAt ?? now
    remaining = calendar.workingDays(after: until.date, through: request.deadline.date, region: region)
    status = request.clockStatus(now: now)
    isOverdue = request.isOverdue(now: now)
    isReplyLate = request.isReplyLate(now: now)
  }
}
