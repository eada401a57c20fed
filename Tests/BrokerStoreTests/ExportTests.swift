import BrokerDomain
import Foundation
import GRDB
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
      (.items, "code,proof,matter,region\n1,甲,子,320681\n2,甲,子,152922\n3,乙,子,\n", true),
      (.items, "code,region,proof,matter,remark\n1,,甲,子,看\n", true),
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

  /// Files that an office's own hand wrote: the same meaning, other bytes. They come back as they were, and so they do
  /// from the database into which the export went.
  @Test(
    arguments: [
      (.organs, "code,name,region,role\n\"11320681014260014d\", 司法局 ,320681,supervisor;credit\n\n", 1),
      (.organs, "code,name,region,role\n11320681014260014D,司法局,320681,\n11320681014260292T,民政局,320681,member\n", 2),
      (.items, "\n code,\"proof\" , matter,region\r\n2,乙,\"丑\",\n1,\"甲\n一\",子, 320681\n\n\n", 2),
      (.items, "\u{FEFF}seq,proof_item,admin_matter,method,public,备注,,\n1,甲,子,,yes,,二,三", 1),
      (.calendar, "date,kind,region\n2026-04-21,work,45\n\"2026-04-20\",off,\n2026-04-20,off,450000\n", 3),
    ] as [(ReferenceKind, String, Int)]) func anOfficesOwnHand(_ kind: ReferenceKind, _ text: String, _ rows: Int)
    throws
  {
    let store = try Self.empty()
    defer { store.close() }
    #expect(try store.importFile(kind, Array(text.utf8)).rows == rows)
    let bytes = try store.exportFile(kind)
    #expect(String(decoding: bytes, as: UTF8.self) == text)
    let other = try Self.empty()
    defer { other.close() }
    _ = try other.importFile(kind, bytes)
    #expect(try other.exportFile(kind) == bytes)
  }

  @Test func anAssistanceListOfAnOfficesOwnHand() throws {
    let store = try Fixture().open(.command)
    defer { store.close() }
    let text =
      "item,requester,obliged,working_days,说明\n\"47\",113206810142605753,11320681014260292t, 5,\"见, 表\"\n"
      + "44, 11320681014260292T,113206810142605753,07\n"
    _ = try store.importFile(.assistanceList, Array(text.utf8))
    #expect(String(decoding: try store.exportFile(.assistanceList), as: UTF8.self) == text)
  }

  /// A row that is no longer what the file said is written anew, and the others stay as they were.
  @Test func whatChangedIsWrittenAnew() throws {
    let store = try Self.empty()
    defer { store.close() }
    let text = "code,proof,matter,agent_allowed,备注\n2, 乙,丑,yes,\"二\"\n1,\"甲\",子,yes,一"
    _ = try store.importFile(.items, Array(text.utf8))
    try store.pool.write { db in
      try db.execute(sql: "UPDATE listed_item SET agent_allowed = 0, extra = '{}' WHERE code = '1'")
    }
    #expect(
      String(decoding: try store.exportFile(.items), as: UTF8.self)
        == "code,proof,matter,agent_allowed,备注\n2, 乙,丑,yes,\"二\"\n1,甲,子,no,")
    // Another file, of which the database knows more than its columns tell: nothing of the first one's form is left.
    _ = try store.importFile(.items, Array("code,proof,matter\n3,\"丙\",寅\n".utf8))
    #expect(
      String(decoding: try store.exportFile(.items), as: UTF8.self)
        == "code,proof,matter,agent_allowed,备注\n2,乙,丑,yes,二\n1,甲,子,no,\n3,丙,寅,yes,\n")
    // Of columns without a name the first is kept for a row that is written anew.
    _ = try store.importFile(.items, Array("code,proof,matter,agent_allowed,备注,,\n4,丁,卯,yes,,四,五\n".utf8))
    try store.pool.write { db in
      try db.execute(sql: "UPDATE listed_item SET agent_allowed = 0 WHERE code = '4'")
    }
    #expect(String(decoding: try store.exportFile(.items), as: UTF8.self).hasSuffix("\n4,丁,卯,no,,四,\n"))
  }

  /// What a file carries, taken out of a longer export: its columns of its rows, in its order and its form.
  private static func carried(_ file: [UInt8], in export: [UInt8], keys: [String]) throws -> [UInt8] {
    let (original, longer) = (try CSVTable(file), try CSVTable(export))
    func cells(_ row: CSVTable.Row, _ header: [String], _ names: [String]) throws -> [String] {
      try names.map { name in
        let at = try #require(header.firstIndex(of: name), "\(name)")
        return row.fields[at]
      }
    }
    var byKey: [[String]: CSVTable.Row] = [:]
    for row in longer.rows { byKey[try cells(row, longer.header, keys)] = row }
    return CSVForm(file, columns: original.header).bytes(
      try original.rows.map { row in
        let found = try #require(byKey[try cells(row, original.header, keys)], "line \(row.line)")
        return try cells(found, longer.header, original.header)
      })
  }

  /// From one database into another that holds rows of its own, and older values of the same: what the file carries comes
  /// out again byte for byte, and so do the rows that it does not name.
  @Test(arguments: [(.organs, ["code"]), (.items, ["seq"]), (.calendar, ["date"])] as [(ReferenceKind, [String])])
  func intoAFilledDatabase(_ kind: ReferenceKind, _ keys: [String]) throws {
    let store = try Self.empty()
    defer { store.close() }
    for file in ["organs", "items"] { try Self.load("examples/qidong/\(file).csv", into: store) }
    try Self.load("calendars/cn/2026.csv", into: store)
    let other = try Self.empty()
    defer { other.close() }
    try Self.load("examples/ayouqi/organs.csv", into: other)
    try Self.load("calendars/cn/2025.csv", into: other)
    let older: [ReferenceKind: String] = [
      .organs: "code,name,region,superior,note\n11320681014260292T,民政科,320600,11152922015602100Y,旧\n"
        + "11152922015602100Y,旗医保局,152922,,看\n",
      .items: "seq,proof_item,admin_matter,method,region,note\nAYQ-1,甲,子,online,152922,看\n47,旧名,旧事项,exempt,,旧\n",
      .calendar: "date,kind,festival,notice\n2026-03-04,off,旧,旧\n",
    ]
    _ = try other.importFile(kind, Array((older[kind] ?? "").utf8))
    let before = try other.exportFile(kind)

    let bytes = try store.exportFile(kind)
    _ = try other.importFile(kind, bytes)
    let after = try other.exportFile(kind)
    #expect(try Self.carried(bytes, in: after, keys: keys) == bytes)
    #expect(after != bytes, "its own rows are there still")
    // Its own rows, as they were.
    let named = Set(try CSVTable(bytes).rows.map { $0.fields[0] })
    let table = try CSVTable(before)
    let own = CSVForm(columns: table.header).bytes(
      table.rows.map(\.fields).filter { kind == .calendar ? !$0[0].hasPrefix("2026") : !named.contains($0[0]) })
    #expect(try Self.carried(own, in: after, keys: [table.header[0]]) == own)
    // What came out goes in again, and changes nothing.
    _ = try other.importFile(kind, after)
    #expect(try other.exportFile(kind) == after)
  }

  /// The assistance list is replaced whole: nothing is left of another.
  @Test func theAssistanceListIntoAFilledDatabase() throws {
    let store = try Fixture().open(.command)
    defer { store.close() }
    let other = try Fixture().open(.command)
    defer { other.close() }
    _ = try other.importFile(
      .assistanceList,
      Array("item,requester,obliged,working_days\n44,11320681014260292T,113206810142605753,9\n".utf8))
    let bytes = try store.exportFile(.assistanceList)
    _ = try other.importFile(.assistanceList, bytes)
    #expect(try other.exportFile(.assistanceList) == bytes)
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
