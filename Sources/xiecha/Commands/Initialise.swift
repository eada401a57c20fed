internal import ArgumentParser
internal import BrokerDomain
internal import BrokerStore
internal import Foundation

struct Initialise: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "建立状态目录 / create a state directory",
    discussion: """
      Example / 示例:
        xiecha init --state-dir ./state --example qidong
        xiecha init --state-dir ./state --example ayouqi
        xiecha init --state-dir ./drill --example qidong --rehearse-at 2026-02-13T17:45:00+08:00
      目录中已有的 xiecha.yaml 和 procedures/ 保留，只补所缺；procedures 是符号链接的，拒绝建立。
      An xiecha.yaml and procedures/ that are there already are kept, and what is missing is added; a procedures that is a
      symbolic link is refused.
      """)

  @OptionGroup var state: StateDirectory

  @Option(help: "Load an example: qidong 启东市的机关、证明事项清单和协助清单; ayouqi 阿拉善右旗的机关")
  var example: String?

  @Option(help: "Make a database for rehearsal only, whose clock starts at this moment. 演练")
  var rehearseAt: String?

  func run() async throws {
    let start = try rehearseAt.map { text in
      guard let instant = Instant(rfc3339: text) else {
        throw ValidationError(
          "--rehearse-at 应为 RFC 3339 时刻 / --rehearse-at takes a moment of RFC 3339 such as 2026-02-13T17:45:00+08:00")
      }
      return instant
    }
    // Refused before anything is made, rather than half-way.
    var given = Settings()
    let faults = given.apply(environment: ProcessInfo.processInfo.environment, assignments: state.assignments)
    if let fault = ConfigurationFault(faults) { throw fault }
    let share = try ShareDirectory.locate()
    let source = example.map { share + "/examples/" + $0 }
    if let source, !FileManager.default.fileExists(atPath: source + "/organs.csv") {
      let known = ((try? FileManager.default.contentsOfDirectory(atPath: share + "/examples")) ?? []).sorted()
      throw ValidationError("没有这一示例 / there is no example \(example ?? ""); known: \(known.joined(separator: ", "))")
    }
    guard !FileManager.default.fileExists(atPath: Store.databasePath(state.path)) else {
      let path = Store.databasePath(state.path)
      throw Failure(text: "\(path) 已存在，未作任何更改 / \(path) exists already; nothing was changed")
    }
    try refuseStrayLog()
    try refuseStrayKeys()
    var workshop = try Workshop(state.path)
    do {
      var inside = self
      inside.state.path = workshop.path
      let text = try inside.build(from: share, start, example: source)
      try workshop.handOver()
      print(text)
    } catch {
      workshop.clear()
      throw error
    }
    print("数据密钥 \(DataKey.path(state.path))：请另行保管一份副本，备份中没有它 / keep a copy of it apart: backups are without it")
    print("next: xiecha serve --state-dir \(state.path)")
  }

  /// What a log holds would be brought into whatever database comes to lie beside it. An empty one holds nothing.
  private func refuseStrayLog() throws {
    for path in ["-wal", "-journal"].map({ Store.databasePath(state.path) + $0 }) {
      let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
      guard size > 0 else { continue }
      throw Failure(
        text: "\(path) 属于一个已不在此的数据库，其中可能有尚未写入的内容：请移到该数据库旁，未作任何更改 / "
          + "\(path) belongs to a database that is not here any more, and may hold what is not in it yet: move it beside "
          + "that database; nothing was changed")
    }
  }

  /// The only plain copy of the keys of a database that may yet be restored.
  private func refuseStrayKeys() throws {
    let path = state.path + "/keys.json"
    // One that was cut short while it handed over has left its own.
    guard FileManager.default.fileExists(atPath: path),
      !FileManager.default.fileExists(atPath: state.path + Workshop.name)
    else { return }
    throw Failure(
      text: "\(path) 是此前数据库的密钥：要恢复该数据库，请放回备份；确要另建，请先移走该文件。未作任何更改 / "
        + "\(path) holds the keys of an earlier database: put its backup back to restore it; to begin anew, move the file "
        + "away first. Nothing was changed")
  }

  /// Makes everything; the directory is the workshop.
  /// - Returns: what to say of it.
  private func build(from share: String, _ start: Instant?, example: String?) throws -> String {
    do {
      try writeSettings()
      try copyProcedures(from: share)
    } catch {
      throw FileFault.failure(state.path, error)
    }
    try Store.create(directory: state.path, rehearseAt: start)
    let store = try state.openForCommand()
    defer { store.close() }
    try load(store, share + "/calendars/cn", example: example)
    try writeKeys(store)
    let reference = store.reference
    let target = Workshop.target(of: state.path)
    return """
      已建立 \(target)：\(reference.organs.count)个机关、\(reference.items.count)项证明事项、\(reference.assistance.count)条协助清单
      created \(target); keys are in \(target)/keys.json (0600)
      """
  }

  private func writeSettings() throws {
    let path = state.path + "/xiecha.yaml"
    guard !FileManager.default.fileExists(atPath: path) else { return }
    var settings = Settings()
    if example != nil {
      settings.allowedNetworks = ["127.0.0.0/8"]
      settings.allowHTTP = true
    }
    try settings.rendered().write(toFile: path, atomically: true, encoding: .utf8)
  }

  private func copyProcedures(from share: String) throws {
    let target = state.path + "/procedures"
    try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
    for name in try FileManager.default.contentsOfDirectory(atPath: share + "/procedures")
    where name.hasSuffix(".yaml") && !FileManager.default.fileExists(atPath: target + "/" + name) {
      try FileManager.default.copyItem(atPath: share + "/procedures/" + name, toPath: target + "/" + name)
    }
  }

  private func load(_ store: Store, _ calendars: String, example: String?) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: calendars).sorted() where name.hasSuffix(".csv") {
      try Import.load(.calendar, calendars + "/" + name, into: store)
    }
    guard let example else { return }
    try Import.load(.organs, example + "/organs.csv", into: store)
    // An example whose plan lists none has none.
    for (kind, name) in [(ReferenceKind.items, "items.csv"), (.assistanceList, "assistance-list.csv")]
    where FileManager.default.fileExists(atPath: example + "/" + name) {
      try Import.load(kind, example + "/" + name, into: store)
    }
  }

  /// The only time that these keys are seen: the database keeps their hashes.
  private func writeKeys(_ store: Store) throws {
    var w = JSONWriter()
    let operatorKey = try store.createKey(organ: nil).key
    var organKeys: [JSON.Member] = []
    for organ in store.reference.organs {
      organKeys.append(.init(organ.code.description, .string(try store.createKey(organ: organ.number).key)))
    }
    w.object { w in
      w.string("operator", operatorKey)
      w.value("organs", .object(organKeys))
    }
    let path = state.path + "/keys.json"
    guard FileManager.default.createFile(atPath: path, contents: Data(w.bytes), attributes: [.posixPermissions: 0o600])
    else { throw FileFault.failure(path, errno) }
  }
}
