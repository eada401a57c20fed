internal import ArgumentParser
internal import BrokerDomain
internal import BrokerStore
internal import Foundation

struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "导入基础数据：全部成功或全部不变 / import reference data, all rows or none",
    discussion: """
      机关和事项按代码增改，文件没有的列保持原样 / Organs and items are added or updated by code; what the file has no column for stays.
      行政协助事项清单整份替换 / The assistance list is replaced whole.
      事项的 region 列写明是哪个地区的清单，不填为各地区共用 / The column region of items says whose list one is of; empty: shared by all.

      Example / 示例:
        xiecha import organs organs.csv --state-dir ./state
        xiecha import calendar 2027.csv --dry-run --state-dir ./state    # 先看哪些期限会变 / first see what would move
        xiecha import calendar 2027.csv --state-dir ./state
        xiecha import items items.csv --effective-from 2027-01-01 --notice 启政办发〔2026〕9号 --state-dir ./state
      """)

  @Argument(help: "organs, items, assistance-list or calendar")
  var kind: String

  @Argument(help: "A CSV file in UTF-8.")
  var file: String

  @Flag(help: "Of a calendar: print every open deadline that would move, before and after; write nothing. 试算")
  var dryRun = false

  @Option(help: "Lines of a dry run at most; the rest is counted.")
  var limit = 100

  @Flag(help: "Print a dry run as JSON.")
  var json = false
  @Option(help: "Of items and assistance-list: comes into force at 00:00 of this day; today when left out. 施行日期")
  var effectiveFrom: String?

  @Option(help: "Of items and assistance-list: what it was published by. 公布文号")
  var notice: String?

  @OptionGroup var state: StateDirectory

  func validate() throws {
    guard (1...100_000).contains(limit) else { throw ValidationError("--limit 应为1至100000 / --limit takes 1 to 100000") }
    guard !dryRun || kind == ReferenceKind.calendar.rawValue else {
      throw ValidationError("--dry-run 只用于日历 / --dry-run is for a calendar: nothing else moves deadlines")
    }
    guard dryRun || !json else { throw ValidationError("--json 与 --dry-run 同用 / --json goes with --dry-run") }
  }

  func run() throws {
    guard let kind = ReferenceKind(rawValue: kind) else {
      let known = ReferenceKind.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("不能导入“\(kind)” / \(kind) cannot be imported; known: \(known)")
    }
    let terms = try terms(kind)
    let store = try state.openForCommand()
    defer { store.close() }
    if dryRun {
      let preview = try Self.preview(file, store, limit: limit)
      warnOfMissingNotices(preview.withoutNotice)
      return json ? preview.printJSON(store.reference) : preview.printText(store.reference)
    }
    let moving = kind == .calendar ? try Self.preview(file, store, limit: 0).moved : 0
    if moving > 0 { print("未办结请求将变更期限\(moving)件 / open deadlines that will move: \(moving)") }
    let before = try store.newestEventNow()
    let report = try Self.load(kind, file, terms, into: store)
    for column in report.ignoredColumns {
      warn("\(file):1: 列“\(column)”未使用 / the column \"\(column)\" means nothing to us")
    }
    print("已导入\(report.rows)行 / imported \(Phrase.count(report.rows, "row")) of \(kind.rawValue) from \(file)")
    if let version = report.version {
      let day = version.effectiveFrom?.description ?? ""
      print("  第\(version.number)版，自\(day)起施行 / version \(version.number), in force from \(day)")
    }
    Self.tell(report.days)
    if !report.takenBack.isEmpty {
      let rows = report.takenBack.prefix(20).joined(separator: ", ") + (report.takenBack.count > 20 ? " …" : "")
      warn(
        "\(file): 文件中下列各项与现行版本相同，取消了待施行版本对其的改动：\(rows)；不应取消的，请用 xiecha export … --as-of 导出待施行的版本，在其上修改后重新导入 / these "
          + "rows are as they are in force now, and take back what the version that waits would have changed: \(rows); if that "
          + "is not meant, export the one that waits with --as-of, change that, and import it again")
    }
    for words in Self.words(onUnusable: report.unusable, store.reference) { warn("\(file): \(words)") }
    warnOfMissingNotices(report.daysWithoutNotice)
    guard moving > 0 else { return confirm(store) }
    guard store.hasDaemon else {
      return print("服务启动时变更期限 / they will be moved when the daemon starts")
    }
    confirm(store, milliseconds: 5000 + moving / 4)
    let moved = try store.deadlinesMoved(after: before)
    print("已变更期限\(moved)件 / deadlines moved: \(moved)")
  }

  /// What is explained by such a day cites nothing for it.
  private func warnOfMissingNotices(_ days: Int) {
    if days == 0 { return }
    let said = days == 1 ? "one day names" : "\(days) days name"
    warn(
      "\(file): 有\(days)天没有写明依据，据此变更的期限无文号可引；请在 notice 列填写放假通知的文号后重新导入 / \(said) no notice, and a deadline "
        + "that moves by it cites none; write the notice's number in the column notice and import again")
  }

  private static func preview(_ file: String, _ store: Store, limit: Int) throws -> CalendarPreview {
    try reading(file) { bytes throws(ImportError) in try store.previewCalendar(bytes, limit: limit) }
  }

  private func terms(_ kind: ReferenceKind) throws -> ListTerms {
    guard effectiveFrom != nil || notice != nil else { return ListTerms() }
    guard [.items, .assistanceList].contains(kind) else {
      throw ValidationError(
        "只用于 items 和 assistance-list / --effective-from and --notice are for items and assistance-list")
    }
    let day = try effectiveFrom.map { text in
      guard let day = CalendarDate(text) else {
        throw ValidationError("--effective-from 应为日期 / --effective-from takes a date, YYYY-MM-DD")
      }
      return day
    }
    let notice = notice?.trimmingSpaces()
    guard notice != "" else { throw ValidationError("--notice 为空 / --notice is empty") }
    return ListTerms(effectiveFrom: day, notice: notice)
  }

  /// A line for each organ and day.
  static func words(onUnusable entries: [Reference.UnusableEntry], _ reference: Reference) -> [String] {
    Dictionary(grouping: entries) { "\($0.requester) \($0.from?.description ?? "")" }.values.map { entries in
      let requester = entries[0].requester
      let organ = reference.organ(requester)?.name ?? requester.description
      let items = entries.prefix(10).map(\.item).joined(separator: ", ") + (entries.count > 10 ? " …" : "")
      let since = entries[0].from.map { Phrase("自\($0)起", "from \($0) on ") } ?? Phrase("", "")
      return "行政协助事项清单中\(organ)有\(entries.count)项（编号 \(items)）\(since.zh)不在其所在地区的证明事项清单中，不能据以请求；请导入改正后的行政协助事项清单 / "
        + "\(since.en)the assistance list has \(entries.count) of \(organ) (items \(items)) that are on no list of its "
        + "region, and nobody can ask by them: import an assistance list that is right"
    }.sorted()
  }

  static func tell(_ days: CalendarChanges) {
    let lines = [
      ("整年替换 / years replaced", days.replacedYears.map(String.init)), ("删去日期 / days removed", days.removed),
      ("新增日期 / days added", days.added),
      ("更改日期 / days changed", days.changed),
    ]
    for (what, which) in lines where !which.isEmpty { print("  \(what): \(which.joined(separator: ", "))") }
    for words in days.incomplete { warn("\(words.zh) / \(words.en)") }
  }

  /// Reads one file into the store, or names every bad row of it.
  @discardableResult
  static func load(
    _ kind: ReferenceKind, _ file: String, _ terms: ListTerms = ListTerms(), into store: Store
  ) throws -> ImportReport {
    try reading(file) { bytes throws(ImportError) in try store.importFile(kind, bytes, terms) }
  }

  private static func reading<T>(_ file: String, _ body: ([UInt8]) throws(ImportError) -> T) throws -> T {
    let bytes = try TextFile.bytes(file)
    do {
      return try body(bytes)
    } catch {
      switch error {
      case .store(let error): throw error
      case .rows(let faults):
        for fault in faults { warn("\(file):\(fault.line): \(fault.detail.zh) / \(fault.detail.en)") }
        throw Failure(
          text:
            "\(file): \(faults.count)处有误，未作任何更改 / \(faults.count == 1 ? "one fault" : "\(faults.count) faults"), nothing was changed"
        )
      }
    }
  }
}

/// Says whether a running daemon works with the change.
func confirm(_ store: Store, milliseconds: Int = 5000) {
  if !store.awaitDaemon(timeoutMilliseconds: milliseconds) {
    warn("运行中的服务尚未采用此更改 / the running daemon has not taken this up yet; see its log")
  }
}
