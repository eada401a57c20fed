import BrokerDomain
import Foundation
import TestSupport
import Testing

@testable import BrokerStore

/// What was imported comes out again, byte for byte.
@Suite(.timeLimit(.minutes(5))) struct ExportTests {
  /// Every file of examples and calendars.
  static let files: [String] = {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let config = tests.deletingLastPathComponent().appendingPathComponent("config").path
    let all = FileManager.default.enumerator(atPath: config)?.compactMap { $0 as? String } ?? []
    return all.filter { $0.hasSuffix(".csv") }.sorted()
  }()

  @Test func thereAreFiles() { #expect(Self.files.count >= 13) }

  private static func kind(_ file: String) throws -> ReferenceKind {
    if file.hasPrefix("calendars/") { return .calendar }
    let name = URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
    return try #require(ReferenceKind(rawValue: name))
  }

  private static func empty() throws -> Store {
    let fixture = try Fixture(bare: ())
    try Store.create(directory: fixture.directory, rehearseAt: nil)
    return try fixture.open(.command)
  }

  /// With what a file refers to loaded before it.
  private static func load(_ file: String, into store: Store) throws {
    let kind = try kind(file)
    let folder = file.split(separator: "/").dropLast().joined(separator: "/")
    if kind == .assistanceList {
      for other in ["organs.csv", "items.csv"] { try load("\(folder)/\(other)", into: store) }
    }
    _ = try store.importFile(kind, Fixture.config(file))
  }

  @Test(arguments: files) func everyFileRoundTrips(_ file: String) throws {
    let store = try Self.empty()
    defer { store.close() }
    try Self.load(file, into: store)
    let kind = try Self.kind(file)
    let bytes = try Fixture.config(file)
    #expect(try store.exportFile(kind) == bytes)
    // Once more, into another database.
    let other = try Self.empty()
    defer { other.close() }
    if kind == .assistanceList {
      for kind in [ReferenceKind.organs, .items] { _ = try other.importFile(kind, store.exportFile(kind)) }
    }
    _ = try other.importFile(kind, store.exportFile(kind))
    #expect(try other.exportFile(kind) == bytes)
  }

  /// Forms that are not the examples' own.
  @Test(
    arguments: [
      (.items, "seq,proof_item,admin_matter\n1,结婚证,登记\n", true),
      (.items, "\u{FEFF}code,proof,matter,remark,agent_allowed\r\n1,\"结婚证,\"\"新\"\"\",登记,看\r\n", false),
      (.items, "matter,code,proof,excluded,public\n登记,7,甲,方案二(七),no\n登记,2,乙,,yes", true),
      (.organs, "code,name,region,liaison_name,liaison_phone\n11320681014260014D,司法局,320681,张三,110\n", true),
      (.calendar, "date,kind,region\n2026-04-20,off,45\n2026-04-21,work,45\n", true),
    ] as [(ReferenceKind, String, Bool)]) func otherForms(_ kind: ReferenceKind, _ text: String, _ isExact: Bool) throws
  {
    let store = try Self.empty()
    defer { store.close() }
    _ = try store.importFile(kind, Array(text.utf8))
    let bytes = try store.exportFile(kind)
    if isExact { #expect(String(decoding: bytes, as: UTF8.self) == text) }
    let other = try Self.empty()
    defer { other.close() }
    _ = try other.importFile(kind, bytes)
    #expect(try other.exportFile(kind) == bytes)
  }

  /// A short file after a long one loses nothing of what the long one said.
  @Test func nothingIsLostToAShorterHeader() throws {
    let store = try Self.empty()
    defer { store.close() }
    _ = try store.importFile(.items, Array("code,proof,matter,method,note\n1,甲,子,online,看\n".utf8))
    _ = try store.importFile(.items, Array("code,proof,matter\n2,乙,丑\n".utf8))
    #expect(
      String(decoding: try store.exportFile(.items), as: UTF8.self)
        == "code,proof,matter,method,note\n1,甲,子,online,看\n2,乙,丑,assistance,\n")
  }
}
