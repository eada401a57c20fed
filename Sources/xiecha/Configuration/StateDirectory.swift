internal import ArgumentParser
internal import BrokerDomain
internal import BrokerStore
internal import BrokerWeb
internal import Foundation

/// Where a broker keeps what is its own: `xiecha.yaml`, `procedures/`, `keys.json`, `data.key`, the database
/// and its lock.
struct StateDirectory: ParsableArguments {
  @Option(
    name: .customLong("state-dir"),
    help: "The directory of configuration and database (or XIECHA_STATE_DIR). 状态目录")
  var path: String = ProcessInfo.processInfo.environment["XIECHA_STATE_DIR"] ?? "/var/lib/xiecha"

  @Option(name: .customLong("set"), help: "A configuration key over the file: --set limits.bodyBytes=65536")
  var assignments: [String] = []

  @Option(name: .long, help: "Another configuration file than DIR/xiecha.yaml.")
  var config: String?

  /// The configuration file that is read.
  var file: String { config ?? path + "/xiecha.yaml" }

  /// The file, the environment and the flags, in this order.
  func settings() throws(ConfigurationFault) -> Settings {
    let file = file
    let settings = try Settings.load(
      file: file, environment: ProcessInfo.processInfo.environment, assignments: assignments)
    let closed = settings.namedFiles.filter { !FileManager.default.isReadableFile(atPath: $0.path) }
    let unreadable = closed.map { key, path in
      ConfigurationFault(
        place: Settings.place(of: key, file), "\(key)：\(path) 无法读取，请检查路径和权限",
        "\(key): \(path) cannot be read; check the path and its permissions")
    }
    if let fault = ConfigurationFault(unreadable) { throw fault }
    do throws(TLSFault) {
      _ = try settings.webOptions().tls()
      if !settings.caBundle.isEmpty {
        try WebOptions.checkCertificates(settings.caBundle, key: "callbacks.caBundle")
      }
    } catch {
      throw ConfigurationFault(place: Settings.place(of: error.key, file), error.words)
    }
    return settings
  }

  func procedures() throws(ConfigurationFault) -> [Procedure] {
    try ProcedureFile.loadAll(directory: path + "/procedures")
  }

  /// For a command beside the daemon, or without one.
  func openForCommand() throws -> Store {
    let settings = try settings()
    return try Store.open(
      directory: path, role: .command, procedures: try procedures(), lastDay: settings.lastDay,
      options: settings.database)
  }

  /// What a command of root has written into the directory is the service's; what lies elsewhere stays root's.
  func giveToService(_ file: String) {
    guard Self.resolved(file).hasPrefix(Self.resolved(path) + "/") else { return }
    StateFile.give(file, toOwnerOf: path)
  }

  static func resolved(_ path: String) -> String {
    URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path
  }
}

/// The files that come with the program: procedures, calendars, examples. Beside the binary in an installation, in
/// `config/` of a checkout.
enum ShareDirectory {
  static func locate() throws(ConfigurationFault) -> String {
    let environment = ProcessInfo.processInfo.environment
    var candidates: [String] = []
    if let given = environment["XIECHA_SHARE_DIR"] { candidates.append(given) }
    var directory = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    while directory.path != "/" {
      candidates.append(directory.path + "/config")
      candidates.append(directory.path + "/share/xiecha")
      directory.deleteLastPathComponent()
    }
    candidates.append("/usr/share/xiecha")
    for candidate in candidates
    where FileManager.default.fileExists(atPath: candidate + "/procedures/verification.yaml") {
      return candidate
    }
    throw ConfigurationFault(
      place: "随附文件 / share directory", "找不到程序和日历文件，请以 XIECHA_SHARE_DIR 指明目录",
      "procedures and calendars were not found; name their directory in XIECHA_SHARE_DIR")
  }
}
