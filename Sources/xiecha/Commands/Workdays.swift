internal import ArgumentParser
internal import BrokerDomain
internal import BrokerStore
internal import Foundation

struct Workdays: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "工作日期限及其算式 / a deadline in working days, and how it is counted",
    discussion: """
      Without --state-dir it counts with the calendars that come with the program.
      Example / 示例:
        xiecha workdays --from 2026-02-13T17:45:00+08:00 --days 5
      """)

  @Option(help: "The moment of receipt, RFC 3339.")
  var from: String

  @Option(help: "Working days, 1 to 250.")
  var days: Int

  @Option(help: "The region's six digits (GB/T 2260).")
  var region: String?

  @Flag(help: "Print JSON.")
  var json = false

  @Option(name: .customLong("state-dir"), help: "Count with the calendars of this state directory.")
  var stateDirectory: String?

  func run() throws {
    guard let received = Instant(rfc3339: from) else {
      throw ValidationError(
        "--from 应为 RFC 3339 时刻 / --from takes a moment of RFC 3339 such as 2026-02-13T17:45:00+08:00")
    }
    guard (1...Procedure.maximumDays).contains(days) else {
      throw ValidationError("--days 应为1至\(Procedure.maximumDays) / --days takes 1 to \(Procedure.maximumDays)")
    }
    let code = region.flatMap { RegionCode($0) }
    guard region == nil || code != nil else {
      throw ValidationError("--region 应为6位行政区划代码 / --region takes six digits (GB/T 2260)")
    }
    let (calendar, lastDay) = try calendar()
    let deadline = calendar.deadline(receivedAt: received, workingDays: days, region: code, lastDay: lastDay)
    json
      ? printJSON(calendar, received, deadline, code) : printText(calendar, received, deadline, code)
  }

  /// The calendar, and when its last day ends: as configured for the directory, or 24:00 by law.
  private func calendar() throws -> (WorkingCalendar, LastDayPolicy) {
    if let stateDirectory {
      let state = try StateDirectory.parse(["--state-dir=\(stateDirectory)"])
      let store = try state.openForCommand()
      defer { store.close() }
      return (store.reference.calendar, store.reference.lastDay)
    }
    let directory = try ShareDirectory.locate() + "/calendars/cn"
    var days: [AnnouncedDay] = []
    for name in try FileManager.default.contentsOfDirectory(atPath: directory).sorted() where name.hasSuffix(".csv") {
      let file = directory + "/" + name
      guard let data = FileManager.default.contents(atPath: file) else { continue }
      do {
        days += try ReferenceCalendar.days(Array(data))
      } catch {
        throw Self.fault(file, error)
      }
    }
    return (WorkingCalendar(national: days), .midnight)
  }

  private static func fault(_ file: String, _ error: ImportError) -> any Error {
    switch error {
    case .store(let error): error
    case .rows(let faults):
      ConfigurationFault(faults.map { ConfigurationFault(place: "\(file):\($0.line)", $0.detail) })
        ?? ConfigurationFault(place: file, "文件有误", "the file is faulty")
    }
  }

  private func printText(
    _ calendar: WorkingCalendar, _ received: Instant, _ deadline: Deadline, _ region: RegionCode?
  ) {
    let summary = calendar.summary(receivedAt: received, deadline: deadline, region: region)
    print("届满日 / due date   \(deadline.date)\(deadline.provisional ? "  （暂定 / provisional）" : "")")
    print("截至 / until        \(deadline.at.rfc3339)（不含 / exclusive）")
    print("")
    for day in calendar.explanation(receivedAt: received, deadline: deadline, region: region) {
      let number = day.ordinal.map { "第\($0)日" } ?? "　—"
      let notice = day.notice.map { "  \($0)" } ?? ""
      print("  \(day.date)  \(day.date.weekdayName.zh)  \(number)\t\(day.reason.zh)\(notice)")
    }
    print("")
    print(summary.zh)
    print(summary.en)
  }

  private func printJSON(
    _ calendar: WorkingCalendar, _ received: Instant, _ deadline: Deadline, _ region: RegionCode?
  ) {
    var w = JSONWriter()
    w.object { w in
      w.string("from", received.rfc3339)
      deadline.write(&w, receivedAt: received, region: region, calendar: calendar)
    }
    print(w.text)
  }
}
