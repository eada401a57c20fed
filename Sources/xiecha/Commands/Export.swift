internal import ArgumentParser
internal import BrokerDomain
internal import BrokerStore
internal import Foundation

struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "导出基础数据为CSV，可原样再导入 / export reference data as CSV that imports again",
    discussion: """
      Of a list, the version in force is exported. A row that is still what the file imported last said comes back byte
      for byte, quotes and blanks included, and so does the whole file where it named all there is. Other rows are written
      in its columns, and in those that they need besides.
      organs.csv may hold contacts (personal data): a file is made readable by its owner only.
      Example / 示例:
        xiecha export organs organs.csv --state-dir ./state
        xiecha export items --state-dir ./state > items.csv
      """)

  @Argument(help: "organs, items, assistance-list or calendar")
  var kind: String

  @Argument(help: "The file to write, which must not exist; standard output when left out.")
  var file: String?

  @OptionGroup var state: StateDirectory

  func run() throws {
    guard let kind = ReferenceKind(rawValue: kind) else {
      let known = ReferenceKind.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("不能导出“\(kind)” / \(kind) cannot be exported; known: \(known)")
    }
    let store = try state.openForCommand()
    defer { store.close() }
    let bytes = Data(try store.exportFile(kind))
    guard let file else { return FileHandle.standardOutput.write(bytes) }
    guard !FileManager.default.fileExists(atPath: file) else {
      throw Failure(text: "\(file) exists already; name a new file")
    }
    if let fault = FileFault.fault(making: file) { throw fault }
    guard FileManager.default.createFile(atPath: file, contents: bytes, attributes: [.posixPermissions: 0o600]) else {
      throw FileFault.failure(file, errno)
    }
    warn("已导出 / exported \(kind.rawValue) to \(file)")
  }
}
