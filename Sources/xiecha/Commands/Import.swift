internal import ArgumentParser
internal import BrokerDomain
internal import BrokerStore
internal import Foundation

struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "导入基础数据：全部成功或全部不变 / import reference data, all rows or none",
    discussion: """
      Example / 示例:
        xiecha import organs organs.csv --state-dir ./state
        xiecha import calendar 2027.csv --state-dir ./state
      """)

  @Argument(help: "organs, items, assistance-list or calendar")
  var kind: String

  @Argument(help: "A CSV file in UTF-8.")
  var file: String

  @OptionGroup var state: StateDirectory

  func run() throws {
    guard let kind = ReferenceKind(rawValue: kind) else {
      let known = ReferenceKind.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("\(kind) cannot be imported; known: \(known)")
    }
    let store = try state.openForCommand()
    defer { store.close() }
    let report = try Self.load(kind, file, into: store)
    for column in report.ignoredColumns {
      warn("\(file):1: 列“\(column)”未使用 / the column \"\(column)\" means nothing to us")
    }
    print("已导入\(report.rows)行 / imported \(report.rows) rows of \(kind.rawValue) from \(file)")
    Self.tell(report.days)
    confirm(store)
  }

  private static func tell(_ days: CalendarChanges) {
    let lines = [
      ("整年替换 / years replaced", days.replacedYears.map(String.init)), ("新增日期 / days added", days.added),
      ("更改日期 / days changed", days.changed),
    ]
    for (what, which) in lines where !which.isEmpty { print("  \(what): \(which.joined(separator: ", "))") }
  }

  /// Reads one file into the store, or names every bad row of it.
  @discardableResult
  static func load(_ kind: ReferenceKind, _ file: String, into store: Store) throws -> ImportReport {
    guard let data = FileManager.default.contents(atPath: file) else {
      throw ConfigurationFault(place: file, what: "cannot be read")
    }
    do {
      return try store.importFile(kind, Array(data))
    } catch {
      switch error {
      case .store(let error): throw error
      case .rows(let faults):
        for fault in faults { warn("\(file):\(fault.line): \(fault.detail.zh) / \(fault.detail.en)") }
        throw Failure(text: "\(file): \(faults.count)行有误，未作任何更改 / \(faults.count) faults, nothing was changed")
      }
    }
  }
}

/// Says whether a running daemon works with the change.
func confirm(_ store: Store) {
  if !store.awaitDaemon() {
    warn("运行中的服务尚未采用此更改 / the running daemon has not taken this up yet; see its log")
  }
}
