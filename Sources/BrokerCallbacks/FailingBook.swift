internal import BrokerDomain
internal import BrokerStore

/// Which endpoints have failed since when, without a success between. Only what changes is written down, and not before
/// it has lasted an hour, or as many attempts have failed as open a breaker: an endpoint that flaps costs no writes, and
/// a restart forgets no breaker that nothing but failures has opened.
struct FailingBook: Sendable {
  private struct Entry {
    let since: Instant
    /// Attempts, all of which failed; of one that was read back, those since.
    var failures: Int
    /// Working days on which attempts failed, by the national calendar.
    var days: Int
    var lastDay: CalendarDate?
    var isWritten: Bool
  }

  private static let writtenAfterMilliseconds: Int64 = 3_600_000

  private var entries: [Int64: Entry] = [:]
  /// 0: never.
  private let disableAfterDays: Int
  private let writtenAfterFailures: Int

  /// - Parameter today: counts as counted already for those that are known, so that no restart counts a day twice.
  init(
    disableAfterDays: Int, writtenAfterFailures: Int = BreakerOptions().minimumAttempts,
    _ known: [FailingEndpoint] = [], today: CalendarDate? = nil
  ) {
    self.disableAfterDays = disableAfterDays
    self.writtenAfterFailures = writtenAfterFailures
    for endpoint in known {
      entries[endpoint.key] = Entry(
        since: endpoint.since, failures: 0, days: endpoint.days, lastDay: today, isWritten: true)
    }
  }

  init(_ options: CallbackOptions, _ known: [FailingEndpoint] = [], today: CalendarDate? = nil) {
    self.init(
      disableAfterDays: options.disableAfterDays, writtenAfterFailures: options.breaker.minimumAttempts, known,
      today: today)
  }

  func since(_ endpoint: Int64) -> Instant? { entries[endpoint]?.since }

  mutating func forget(_ endpoint: Int64) { entries[endpoint] = nil }

  /// Forgets all others: what was changed or deleted begins anew.
  mutating func keep(_ endpoints: Set<Int64>) { entries = entries.filter { endpoints.contains($0.key) } }

  /// - Returns: what is to be written down; nil for nearly all attempts.
  mutating func succeeded(_ endpoint: Int64) -> EndpointMark? {
    if entries.isEmpty { return nil }
    guard let entry = entries.removeValue(forKey: endpoint), entry.isWritten else { return nil }
    return .recovered
  }

  /// One that has failed for so many working days, and was tried on half of them at least, is to be switched off. A
  /// festival switches nobody off: who comes back to work finds the queue going out by itself. A jump of the clock, or a
  /// daemon that was off for a week, is no failure of the receiver.
  mutating func failed(_ endpoint: Int64, now: Instant, _ calendar: WorkingCalendar) -> EndpointMark? {
    let today = now.date
    guard var entry = entries[endpoint] else {
      let days = calendar.isWorkingDay(today, region: nil) ? 1 : 0
      entries[endpoint] = Entry(since: now, failures: 1, days: days, lastDay: today, isWritten: false)
      return nil
    }
    entry.failures += 1
    var isNewDay = false
    if entry.lastDay != today {
      isNewDay = calendar.isWorkingDay(today, region: nil)
      if isNewDay { entry.days += 1 }
      entry.lastDay = today
      if disableAfterDays > 0, entry.days >= (disableAfterDays + 1) / 2,
        calendar.workingDays(after: entry.since.date, through: today, region: nil) >= disableAfterDays
      {
        entries[endpoint] = nil
        return .off(.failing(since: entry.since, days: disableAfterDays))
      }
    }
    let lasted = now.milliseconds - entry.since.milliseconds
    let isLong = lasted >= Self.writtenAfterMilliseconds || entry.failures >= writtenAfterFailures
    let isToBeWritten = entry.isWritten ? isNewDay : isLong
    if isToBeWritten { entry.isWritten = true }
    entries[endpoint] = entry
    return isToBeWritten ? .failing(since: entry.since, days: entry.days) : nil
  }
}
