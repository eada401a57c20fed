/// One announced day: a weekday that is off, or a weekend day that is worked (调休上班).
package struct AnnouncedDay: Sendable, Equatable {
  package enum Kind: String, Sendable { case off, work }

  package let date: CalendarDate
  package let kind: Kind
  package let festival: String
  /// The notice that announced it, e.g. 国办发明电〔2025〕7号; empty when the source did not say.
  package let notice: String

  package init(date: CalendarDate, kind: Kind, festival: String, notice: String) {
    self.date = date
    self.kind = kind
    self.festival = festival
    self.notice = notice
  }
}

/// Whether one day counts, and why.
package struct DayVerdict: Sendable, Equatable {
  package let counts: Bool
  package let reason: Phrase
  package let notice: String?
  /// The year has no notice yet: the verdict is a projection.
  package let provisional: Bool
}

/// Which days are worked: Monday to Friday, minus announced days off, plus announced make-up days
/// (国务院办公厅 notices under 全国年节及纪念日放假办法), under the overlay of a region.
package struct WorkingCalendar: Sendable, Equatable {
  /// National days, and overlays by GB/T 2260 prefix (`45`, `4501`, `450102`).
  let national: [CalendarDate: AnnouncedDay]
  let overlays: [String: [CalendarDate: AnnouncedDay]]
  package let knownYears: Set<Int>
  /// Of the days from `tableStart` on, how many working days of the country lie before each: for the known years and those
  /// after them into which a deadline may reach.
  private var workedBefore: [Int32] = []
  private var tableStart = 0
  /// On every working day.
  package var officeHours = OfficeHours.standard

  package init(national: [AnnouncedDay], overlays: [String: [AnnouncedDay]] = [:]) {
    self.national = Dictionary(national.map { ($0.date, $0) }) { _, last in last }
    self.overlays = overlays.mapValues { days in
      Dictionary(days.map { ($0.date, $0) }) { _, last in last }
    }
    // A year's notice always announces National Day. Days of December that the next year's notice brings along
    // (元旦 of 2019 began on 30 December 2018) must not make their own year known.
    knownYears = Set(national.lazy.filter(\.isNationalDayOff).map(\.date.year))
    if let first = knownYears.min(), let last = knownYears.max(), last - first < 100,
      let start = CalendarDate(year: first, month: 1, day: 1),
      let end = CalendarDate(year: last + Procedure.maximumYearsAhead + 1, month: 12, day: 31)
    {
      var count: Int32 = 0
      let worked = (start.dayNumber...end.dayNumber).map { day in
        defer { if isWorkedNationally(CalendarDate(dayNumber: day)) { count += 1 } }
        return count
      }
      (workedBefore, tableStart) = (worked + [count], start.dayNumber)
    }
  }

  package func isKnown(_ year: Int) -> Bool { knownYears.contains(year) }

  /// The verdict on one date in a region; overlays of the county, then the prefecture, then the province, then the country.
  package func verdict(_ date: CalendarDate, region: RegionCode?) -> DayVerdict {
    for prefix in region?.lineage ?? [] {
      if let day = overlays[prefix]?[date] { return announced(day, region: prefix) }
    }
    if let day = national[date] { return announced(day, region: nil) }
    let provisional = !isKnown(date.year)
    if let festival = statutoryDay(date) {
      let why =
        provisional
        ? Phrase("当年放假通知未公布或者尚未导入，暂定", "the year's notice is not out or not loaded, provisional")
        : Phrase("导入的放假安排没有列明", "the holiday file does not name it")
      return DayVerdict(
        counts: false,
        reason: Phrase("\(festival.zh)（法定节假日，\(why.zh)）", "\(festival.en), statutory day; \(why.en)"),
        notice: nil, provisional: provisional)
    }
    let suffix =
      provisional
      ? Phrase("（当年放假通知未公布或者尚未导入，暂定）", " (the year's notice is not out or not loaded, provisional)") : Phrase("", "")
    if date.weekday >= 6 {
      return DayVerdict(
        counts: false, reason: Phrase("休息日" + suffix.zh, "weekend" + suffix.en), notice: nil,
        provisional: provisional)
    }
    return DayVerdict(
      counts: true, reason: Phrase("工作日" + suffix.zh, "working day" + suffix.en), notice: nil,
      provisional: provisional)
  }

  /// The notice that decides a date, without the words about it; nil where none does.
  func notice(on date: CalendarDate, region: RegionCode?) -> String? {
    if !overlays.isEmpty {
      for prefix in region?.lineage ?? [] {
        if let day = overlays[prefix]?[date] { return day.notice.isEmpty ? nil : day.notice }
      }
    }
    return national[date].flatMap { $0.notice.isEmpty ? nil : $0.notice }
  }

  private func announced(_ day: AnnouncedDay, region: String?) -> DayVerdict {
    let where_ = region.map { Phrase("（地区 \($0)）", " (region \($0))") } ?? Phrase("", "")
    let reason: Phrase =
      switch day.kind {
      case .off: Phrase("\(day.festival)放假\(where_.zh)", "day off: \(day.festival)\(where_.en)")
      case .work: Phrase("\(day.festival)调休上班\(where_.zh)", "make-up working day: \(day.festival)\(where_.en)")
      }
    return DayVerdict(
      counts: day.kind == .work, reason: reason, notice: day.notice.isEmpty ? nil : day.notice,
      provisional: false)
  }

  /// The same as `verdict(_:region:).counts` without putting it into words: submission asks this a dozen times.
  package func isWorkingDay(_ date: CalendarDate, region: RegionCode?) -> Bool {
    if !overlays.isEmpty {
      for prefix in region?.lineage ?? [] {
        if let day = overlays[prefix]?[date] { return day.kind == .work }
      }
    }
    let index = date.dayNumber - tableStart
    if index >= 0, index + 1 < workedBefore.count { return workedBefore[index + 1] > workedBefore[index] }
    return isWorkedNationally(date)
  }

  private func isOverlaid(_ region: RegionCode?) -> Bool {
    !overlays.isEmpty && region?.lineage.contains { overlays[$0] != nil } == true
  }

  private func isWorkedNationally(_ date: CalendarDate) -> Bool {
    if let day = national[date] { return day.kind == .work }
    return date.weekday < 6 && statutoryDay(date) == nil
  }

  /// A day that is off by law and has no row: no file that is not whole makes it a working day.
  func statutoryDay(_ date: CalendarDate) -> Phrase? {
    guard national[date] == nil, !isKnown(date.year) || date.year >= StatutoryDays.firstYear else { return nil }
    return StatutoryDays.festival(on: date)
  }

  /// The n-th working day after a date; for a negative n, before it. No stretch without a working day is longer than
  /// `maximumGap`, so a calendar that is wrong cannot loop for ever.
  package func workingDay(_ n: Int, from date: CalendarDate, region: RegionCode?) -> CalendarDate {
    var day = date
    var left = abs(n)
    var idle = 0
    while left > 0 && idle < Self.maximumGap {
      day = day + (n > 0 ? 1 : -1)
      if isWorkingDay(day, region: region) {
        left -= 1
        idle = 0
      } else {
        idle += 1
      }
    }
    return day
  }

  static let maximumGap = 366

  /// Working days after `start` up to and including `end`; 0 when `end` is not after `start`.
  package func workingDays(after start: CalendarDate, through end: CalendarDate, region: RegionCode?)
    -> Int
  {
    guard end > start else { return 0 }
    let (from, to) = (start.dayNumber + 1 - tableStart, end.dayNumber + 1 - tableStart)
    if !isOverlaid(region), from >= 0, to < workedBefore.count { return Int(workedBefore[to] - workedBefore[from]) }
    var count = 0
    var day = start + 1
    while day <= end {
      if isWorkingDay(day, region: region) { count += 1 }
      day = day + 1
    }
    return count
  }
}
