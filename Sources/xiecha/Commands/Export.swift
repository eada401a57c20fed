internal import ArgumentParser
internal import BrokerDomain
internal import BrokerStore
internal import Foundation

struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "导出基础数据为CSV，可原样再导入 / export reference data as CSV that imports again",
    discussion: """
      Of a list, the version in force is exported, or with --as-of the one that will be on that day: whoever goes on from a
      version that waits begins with that one. Where the file imported last named all there is and nothing has changed
      since, it comes back byte for byte: quotes, blanks and order as they were. Where some rows have changed, the others
      still do, in the order of the database. As soon as a row needs a column that the file had not, all are written anew,
      in its columns and those that are needed besides.
      organs.csv may hold contacts (personal data): a file is made readable by its owner only.
      Example / 示例:
        xiecha export organs organs.csv --state-dir ./state
        xiecha export items --state-dir ./state > items.csv
      """)

  @Argument(help: "organs, items, assistance-list or calendar")
  var kind: String

  @Argument(help: "The file to write, which must not exist; standard output when left out.")
  var file: String?

  @Option(help: ArgumentHelp("Of a list: as it will be on this day.", valueName: "YYYY-MM-DD"))
  var asOf: String?

  @OptionGroup var state: StateDirectory

  func run() throws {
    guard let kind = ReferenceKind(rawValue: kind) else {
      let known = ReferenceKind.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("不能导出“\(kind)” / \(kind) cannot be exported; known: \(known)")
    }
    let store = try state.openForCommand()
    defer { store.close() }
    let bytes = try store.exportFile(kind, asOf: try day(kind, store))
    guard let file else { return try Output.write(bytes) }
    guard !FileManager.default.fileExists(atPath: file) else {
      throw Failure(text: "\(file) 已存在，请另指定文件名 / \(file) exists already; name a new file")
    }
    if let fault = FileFault.fault(making: file) { throw fault }
    // The file is made before its mode is set: in between nobody else is to open it either.
    umask(0o077)
    guard FileManager.default.createFile(atPath: file, contents: Data(bytes), attributes: [.posixPermissions: 0o600])
    else {
      let number = errno
      // Half an export imports as a whole one.
      unlink(file)
      throw FileFault.failure(file, number)
    }
    state.giveToService(file)
    warn("已导出 / exported \(kind.rawValue) to \(file)")
  }

  private func day(_ kind: ReferenceKind, _ store: Store) throws -> CalendarDate? {
    guard let asOf else { return nil }
    guard [.items, .assistanceList].contains(kind) else {
      throw ValidationError("--as-of 只用于 items 和 assistance-list / --as-of is for items and assistance-list")
    }
    guard let day = CalendarDate(asOf), day >= store.clock.now.date else {
      throw ValidationError("--as-of 应为今日或以后的日期 / --as-of takes a date, YYYY-MM-DD, of today or later")
    }
    return day
  }
}
