internal import BrokerDomain
internal import BrokerStore
internal import Foundation

/// The real binary, beside this one.
struct Daemon {
  private static var program: String { (Child.ownProgram as NSString).deletingLastPathComponent + "/xiecha" }

  let child: Child
  let port: UInt16
  /// When it was started.
  let start: UInt64

  /// Makes a state directory with the example in it.
  static func make(_ directory: String, share: String?, rehearseAt: String? = nil) throws {
    setenv("XIECHA_SHARE_DIR", try Office.share(share), 1)
    let rehearsal = rehearseAt.map { ["--rehearse-at", $0] } ?? []
    let make = try Child(program, ["init", "--state-dir", directory, "--example", "qidong"] + rehearsal)
    guard make.end().ok else { throw BenchError("xiecha init failed") }
  }

  /// Returns when connections are accepted.
  init(_ directory: String) throws {
    start = nanoseconds()
    child = try Child(
      Self.program, ["serve", "--state-dir", directory, "--listen", "127.0.0.1:0"], reading: .errors)
    var port: UInt16?
    while port == nil, let line = child.line() {
      guard line.hasPrefix("listening on ") else { continue }
      port = line.split(separator: ":").last.flatMap { UInt16($0) }
    }
    guard let port else { throw BenchError("xiecha serve did not start") }
    self.port = port
  }

  /// What `make` wrote down.
  static func keys(_ directory: String) throws -> (operator: String, organs: [String: String]) {
    guard let text = try? String(contentsOfFile: directory + "/keys.json", encoding: .utf8),
      let json = try? JSON.parse(Array(text.utf8)), let own = json["operator"]?.stringValue,
      case .object(let members) = json["organs"]
    else { throw BenchError("keys.json cannot be read") }
    var organs: [String: String] = [:]
    for member in members { organs[member.name] = member.value.stringValue }
    return (own, organs)
  }

  /// Opens the database of a directory that no daemon uses.
  static func open(_ directory: String, workingDays: Int = 5) throws -> Store {
    try Store.open(directory: directory, role: .command, procedures: [Office.verification(workingDays: workingDays)])
  }
}
