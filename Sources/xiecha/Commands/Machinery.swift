internal import ArgumentParser
internal import BrokerDomain
internal import BrokerStore
internal import Foundation

struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "检查配置、程序、日历和基础数据，不启动服务 / check everything without starting",
    discussion: """
      也指出服务无权使用的文件，以及已到期或即将到期的证书。
      Files that the service may not use are named too, and certificates that have expired or soon will.

      Example / 示例:
        xiecha check --state-dir ./state
      """)

  @OptionGroup var state: StateDirectory

  func run() throws {
    let settings = try state.settings()
    _ = try settings.callbackOptions()
    let procedures = try state.procedures()
    let store = try state.openForCommand()
    defer { store.close() }
    let hasDataKey = try store.checkDataKey()
    let reference = store.reference
    print("配置 / configuration  ok  \(state.file), \(SettingKey.all.count) keys")
    print("程序 / procedures     ok  \(procedures.map(\.id).joined(separator: ", "))")
    print("机关 / organs         \(reference.organs.count)")
    print("事项 / items          \(reference.items.count)")
    print("协助清单 / list       \(reference.assistance.count)")
    let years = reference.calendar.knownYears.sorted().map(String.init).joined(separator: " ")
    print("日历 / calendars      \(years.isEmpty ? "none" : years)")
    print("数据密钥 / data key     \(hasDataKey ? "ok" : "none")  \(DataKey.path(state.path))")
    var warnings: [String] = []
    if !hasDataKey {
      warnings.append("尚无数据密钥，下次启动时建立 / there is no data key yet; the next start makes it")
    }
    for year in store.missingYears {
      let words = WorkingCalendar.missing(year)
      warnings.append("\(words.zh) / \(words.en)")
    }
    for words in reference.calendar.knownYears.sorted().compactMap(reference.calendar.incomplete) {
      warnings.append("\(words.zh) / \(words.en)")
    }
    warnings += Import.words(onUnusable: reference.unusableEntries, reference)
    if !procedures.contains(where: { $0.id == Submission.defaultProcedure }) {
      warnings.append(
        "没有程序 \(Submission.defaultProcedure)，未写明 procedure 的请求会被拒绝；可从随附的 procedures/ 复制 / there is no procedure "
          + "\(Submission.defaultProcedure), and requests that name none are refused; copy the one that comes with the program"
      )
    }
    warnings += try missing(store)
    if !reference.organs.contains(where: { $0.roles.contains(.supervisor) }) {
      warnings.append("没有监督机关，逾期无处升级 / no organ has the role supervisor; nobody hears of escalations")
    }
    warnings += reference.withoutRealSuperior.map { organ in
      Self.words(onSuperiorOf: organ, isThere: organ.superior.flatMap { reference.organ($0) } != nil)
    }
    if let words = try settings.plainEndpointsWarning(store) { warnings.append("\(words.zh) / \(words.en)") }
    for words in settings.certificateWarnings() { warnings.append("\(words.zh) / \(words.en)") }
    let named = [state.file] + settings.namedFiles.map { $0.path }
    for words in StateFile.closedToOwner(of: state.path, reading: named) {
      warnings.append("\(words.zh) / \(words.en)")
    }
    for warning in warnings { print("注意 / warning        \(warning)") }
    let noun = warnings.count == 1 ? "warning" : "warnings"
    print(
      warnings.isEmpty ? "检查通过 / all is well" : "检查通过，有\(warnings.count)处提醒 / passed with \(warnings.count) \(noun)")
  }
}

extension Check {
  /// `import` refuses them; older data may hold them.
  private static func words(onSuperiorOf organ: Organ, isThere: Bool) -> String {
    let superior = organ.superior?.description ?? "-"
    let fault =
      if superior == organ.code.description {
        Phrase("的上级机关是其自身", "is its own superior")
      } else if isThere {
        Phrase("的上级关系成环：上级机关为 \(superior)", "is in a circle of superiors: its own is \(superior)")
      } else {
        Phrase("的上级机关 \(superior) 不在机关目录中", "has a superior that is not in the directory: \(superior)")
      }
    return "\(organ.name) \(organ.code) \(fault.zh)，请更正：xiecha import organs FILE / "
      + "\(organ.code) \(fault.en); correct it: xiecha import organs FILE"
  }

  /// What a directory is without after an `init` that was cut short, or before the first imports.
  private func missing(_ store: Store) throws -> [String] {
    var words: [String] = []
    if store.reference.organs.isEmpty {
      words.append("没有任何机关：xiecha import organs FILE / there is no organ: xiecha import organs FILE")
    }
    if store.reference.calendar.knownYears.isEmpty {
      words.append(
        "没有任何放假安排，期限均为暂定：xiecha import calendar FILE / no calendar is loaded and deadlines are provisional: "
          + "xiecha import calendar FILE (config/calendars/cn)")
    }
    let active = try store.keys().filter { $0.revokedAt == nil }
    if !active.contains(where: { $0.organ == nil }) {
      words.append(
        "没有有效的运行人员密钥：xiecha key create --operator / there is no active key of an operator: "
          + "xiecha key create --operator")
    }
    if !store.reference.organs.isEmpty, !active.contains(where: { $0.organ != nil }) {
      words.append(
        "没有任何机关有有效密钥：xiecha key create --organ CODE / no organ has an active key: xiecha key create --organ CODE")
    }
    return words
  }
}

struct Backup: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "在线备份：某一时刻的完整一致副本 / an online, consistent copy",
    discussion: """
      The data key, DIR/data.key, is not in the copy: without it the copy's endpoint secrets cannot be read. Keep it apart.
      To restore, stop the daemon and put the copy in place of DIR/xiecha.sqlite (remove xiecha.sqlite-wal and -shm).
      Example / 示例:
        xiecha backup /backup/xiecha-2026-11-20.sqlite --state-dir ./state
      """)

  @Argument(help: "The file to write; it must not exist.")
  var destination: String

  @OptionGroup var state: StateDirectory

  func run() throws {
    let store = try state.openForCommand()
    defer { store.close() }
    try makeBackupDirectory()
    if let fault = FileFault.fault(making: destination) { throw fault }
    // SQLite makes the file before its mode is set: in between nobody else is to open it either.
    umask(0o077)
    try store.backup(to: destination)
    // Which also deletes what is old.
    state.giveToService(destination)
    let size = (try FileManager.default.attributesOfItem(atPath: destination)[.size] as? Int) ?? 0
    print("已备份 / backed up to \(destination), \(size) bytes")
    print("不含数据密钥 / without the data key, to be kept apart: \(DataKey.path(state.path))")
  }
}

extension Backup {
  /// The directory of the nightly backups, where there was none yet.
  private func makeBackupDirectory() throws {
    let parent = URL(fileURLWithPath: destination).deletingLastPathComponent().path
    let isOurs = StateDirectory.resolved(parent) == StateDirectory.resolved(state.path) + "/backup"
    guard isOurs, access(parent, F_OK) != 0 else { return }
    guard mkdir(parent, 0o700) == 0 || errno == EEXIST else { throw FileFault.failure(parent, errno) }
    StateFile.give(parent, toOwnerOf: state.path)
  }
}

struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "通读数据库并核对 / read the whole database and hold its rows against each other",
    discussion: "Example / 示例:\n  xiecha verify --state-dir ./state")

  @OptionGroup var state: StateDirectory

  func run() throws {
    let store = try state.openForCommand()
    defer { store.close() }
    let faults = try store.verify()
    for (table, rows) in try store.counts() {
      print("\(table.padding(toLength: 18, withPad: " ", startingAt: 0))\(rows)")
    }
    for fault in faults { warn("问题 / fault: \(fault.zh) / \(fault.en)") }
    guard faults.isEmpty else { throw Failure(text: "\(faults.count)处问题 / \(Phrase.count(faults.count, "fault"))") }
    print("核对无误 / verified")
  }
}
