/// What a file of announced days makes of a calendar, and which dates that concerns.
extension WorkingCalendar {
  /// A row of a calendar file; the region is an overlay's prefix, empty for the whole country.
  package typealias Row = (region: String, day: AnnouncedDay)

  /// The years whose own notice these rows are, in order: the one that announces a year's National Day.
  package static func noticeYears(_ rows: [Row]) -> [Int] {
    rows.lazy.filter { $0.region.isEmpty && $0.day.isNationalDayOff }.map(\.day.date.year).sorted()
  }

  /// Those of them that the rows replace. A year that is known is replaced by a file that announces Labour Day as well, as
  /// each year's own notice does: one that amends its National Day names that alone, and leaves the rest as it is.
  package func replacedYears(by rows: [Row]) -> [Int] {
    let mayDays = Set(rows.lazy.filter { $0.region.isEmpty && $0.day.isLabourDayOff }.map(\.day.date.year))
    return Self.noticeYears(rows).filter { !isKnown($0) || mayDays.contains($0) }
  }

  /// Statutory days off 全国年节及纪念日放假办法 from Monday to Friday that a known year does not name, in order: its notice has
  /// been loaded in part, and with them its make-up days are missing. The law is that of 2025 and later.
  package func unannouncedStatutoryDays(of year: Int) -> [(date: CalendarDate, festival: Phrase)] {
    guard isKnown(year), let first = CalendarDate(year: year, month: 1, day: 1) else { return [] }
    return (0..<366).map { first + $0 }.filter { $0.year == year && $0.weekday < 6 }
      .compactMap { day in statutoryDay(day).map { (day, $0) } }
  }

  /// National days that are gone once the rows are loaded, in order: those of a year whose own notice they are, and which
  /// it does not name. What the next year's notice says of its last days (元旦 of 2019 began on 30 December 2018) is not
  /// for this one to take back.
  package func removed(by rows: [Row]) -> [CalendarDate] {
    let years = Set(replacedYears(by: rows))
    let named = Set(rows.lazy.filter(\.region.isEmpty).map(\.day.date))
    return national.values.filter { day in
      let year = day.date.year
      guard years.contains(year), !named.contains(day.date) else { return false }
      return years.contains(year + 1) || day.notice.isEmpty || day.notice != notice(of: year + 1)
    }.map(\.date).sorted()
  }

  /// The calendar once the rows are loaded. A year is replaced only by its own notice. A notice also names days of the
  /// year before, and one that amends a running year names a few days of it: these go in one by one, as regional ones
  /// do, and leave the rest as it is.
  package func amended(by rows: [Row]) -> WorkingCalendar {
    let removed = Set(removed(by: rows))
    var days = national.values.filter { !removed.contains($0.date) }
    var regional = overlays.mapValues { Array($0.values) }
    for row in rows {
      if row.region.isEmpty { days.append(row.day) } else { regional[row.region, default: []].append(row.day) }
    }
    var calendar = WorkingCalendar(national: days, overlays: regional)
    calendar.officeHours = officeHours
    return calendar
  }

  /// The notices that decide days from the first to the last one, each once, in order.
  func notices(from first: CalendarDate, through last: CalendarDate, region: RegionCode?) -> [String] {
    var notices: [String] = []
    var day = first
    while day <= last {
      if let notice = notice(on: day, region: region), !notices.contains(notice) { notices.append(notice) }
      day = day + 1
    }
    return notices
  }

  /// A year's own notice; nil while it is unknown, or where its file did not say.
  func notice(of year: Int) -> String? {
    guard isKnown(year), let day = CalendarDate(year: year, month: 10, day: 1) else { return nil }
    return notice(on: day, region: nil)
  }

  /// The day as it is announced for exactly this prefix, empty for the whole country.
  package func announcedDay(_ date: CalendarDate, prefix: String) -> AnnouncedDay? {
    prefix.isEmpty ? national[date] : overlays[prefix]?[date]
  }

  /// From the first to the last date that counts otherwise in some region, or lies in a year that has become known or
  /// unknown. Nil when no deadline can differ.
  package func changedDates(since old: WorkingCalendar) -> ClosedRange<CalendarDate>? {
    var dates = Self.differing(national, old.national)
    for prefix in Set(overlays.keys).union(old.overlays.keys) {
      dates += Self.differing(overlays[prefix] ?? [:], old.overlays[prefix] ?? [:])
    }
    for year in knownYears.symmetricDifference(old.knownYears) {
      dates += [CalendarDate(year: year, month: 1, day: 1), CalendarDate(year: year, month: 12, day: 31)]
        .compactMap { $0 }
    }
    guard let first = dates.min(), let last = dates.max() else { return nil }
    return first...last
  }

  private static func differing(
    _ new: [CalendarDate: AnnouncedDay], _ old: [CalendarDate: AnnouncedDay]
  ) -> [CalendarDate] {
    Set(new.keys).union(old.keys).filter { new[$0]?.kind != old[$0]?.kind }
  }

  /// Years whose notice should be here and is not: this year's, and from 1 November the next year's, which the State
  /// Council publishes in autumn.
  package func missingYears(on today: CalendarDate) -> [Int] {
    let (year, month, _) = today.components
    return (month >= 11 ? [year, year + 1] : [year]).filter { !isKnown($0) }
  }

  /// What an operator is told about a year whose notice is there in part.
  package func incomplete(_ year: Int) -> Phrase? {
    let days = unannouncedStatutoryDays(of: year)
    guard !days.isEmpty else { return nil }
    return Phrase(
      "\(year)年的放假安排不全，没有列明下列法定节假日（仍按放假计）及其调休：\(days.map { "\($0.date) \($0.festival.zh)" }.joined(separator: "、"))；请核对文件后重新导入",
      "the holiday file of \(year) is not whole: it does not name these statutory days, which are off all the same, nor their make-up days: "
        + days.map { "\($0.date) \($0.festival.en)" }.joined(separator: ", ")
        + "; complete the file and import it again")
  }

  /// What an operator is told about a missing year.
  package static func missing(_ year: Int) -> Phrase {
    Phrase(
      "尚未导入\(year)年放假通知，跨入该年的期限均为暂定：xiecha import calendar FILE",
      "the notice for \(year) is not loaded; deadlines that reach into it are provisional: xiecha import calendar FILE")
  }
}

extension AnnouncedDay {
  /// The day by which a year's own notice is told.
  var isNationalDayOff: Bool {
    let day = date.components
    return kind == .off && day.month == 10 && day.day == 1
  }

  fileprivate var isLabourDayOff: Bool {
    let day = date.components
    return kind == .off && day.month == 5 && day.day == 1
  }
}
