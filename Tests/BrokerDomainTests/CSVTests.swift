internal import BrokerDomain
internal import Testing

/// Comma-separated values (RFC 4180), as spreadsheets write them.
@Suite struct CSVTests {
  private func table(_ text: String) throws -> CSVTable { try CSVTable(Array(text.utf8)) }

  /// text → header, then rows as "line:field|field".
  static let cases: [(String, [String], [String])] = [
    ("a,b\n1,2\n", ["a", "b"], ["2:1|2"]),
    ("a,b\n1,2", ["a", "b"], ["2:1|2"]),
    ("a,b\r\n1,2\r\n3,4\r\n", ["a", "b"], ["2:1|2", "3:3|4"]),
    ("\u{FEFF}a,b\n1,2\n", ["a", "b"], ["2:1|2"]),
    (" a , b\n 1 ,2 \n", ["a", "b"], ["2: 1 |2 "]),
    ("a\n\n1\n\n\n2\n", ["a"], ["3:1", "6:2"]),
    ("a,b\n\"x,y\",\"p\"\"q\"\n", ["a", "b"], ["2:x,y|p\"q"]),
    ("a,b\n\"one\ntwo\",2\n3,4\n", ["a", "b"], ["2:one\ntwo|2", "4:3|4"]),
    ("a,b\r\n\"one\r\ntwo\",2\r\n3,4\r\n", ["a", "b"], ["2:one\r\ntwo|2", "4:3|4"]),
    ("a,b\n,\n", ["a", "b"], ["2:|"]), ("a,b\n1,", ["a", "b"], ["2:1|"]), ("a,b\n,2", ["a", "b"], ["2:|2"]),
    ("a,b\n\"\",\"\"\n", ["a", "b"], ["2:|"]), ("a,b\n1,\"\"", ["a", "b"], ["2:1|"]),
    ("a\n\"\"\"\"\n", ["a"], ["2:\""]), ("a\n5\" disk\n", ["a"], ["2:5\" disk"]),
    ("a,b\n1\n1,2,3\n", ["a", "b"], ["2:1", "3:1|2|3"]), ("a", ["a"], []), ("a,b\n", ["a", "b"], []),
    ("编号,名称\n1,启东市民政局\n", ["编号", "名称"], ["2:1|启东市民政局"]), ("\n\na\n1\n", ["a"], ["4:1"]),
    ("a;b\n1;2\n", ["a;b"], ["2:1;2"]),
  ]

  @Test(arguments: cases) func parse(_ text: String, _ header: [String], _ rows: [String]) throws {
    let table = try table(text)
    #expect(table.header == header)
    #expect(table.rows.map { "\($0.line):" + $0.fields.joined(separator: "|") } == rows)
  }

  @Test(arguments: [
    ("", 1, "the file is empty"), ("\n\n", 1, "the file is empty"), ("\u{FEFF}", 1, "the file is empty"),
    ("a\n\"x\n", 2, "a quoted field does not end"), ("a\n1\n\"x\n\ny", 3, "a quoted field does not end"),
  ])
  func refuse(_ text: String, _ line: Int, _ why: String) {
    let fault = #expect(throws: CSVTable.Fault.self) { try table(text) }
    #expect(fault?.line == line && fault?.detail.en == why)
  }

  @Test func invalidUTF8NamesItsLine() throws {
    let bytes = Array("a,b\n1,2\n".utf8) + [0xC3, 0x28, 0x2C, 0x31, 0x0A]
    let table = try CSVTable(bytes + Array("3,4\n5,".utf8) + [0xFF])
    #expect(table.invalidLines == [3, 5] && table.rows.count == 4 && table.rows[1].fields == ["\u{FFFD}(", "1"])
    // GBK, as a spreadsheet of the country may leave it.
    let fault = #expect(throws: CSVTable.Fault.self) { try CSVTable([0xC6, 0xF4, 0xB6, 0xAB, 0x0A]) }
    #expect(fault?.line == 1 && fault?.detail.zh.contains("不是有效的UTF-8") == true)
  }

  @Test func columns() throws {
    let table = try table("code,name,code\n1,2,3\n")
    #expect(try table.column("code") == 0 && table.column("title", "name") == 1)
    #expect(table.optionalColumn("region") == nil && table.optionalColumn("region", "name") == 1)
    let fault = #expect(throws: CSVTable.Fault.self) { try table.column("region", "area") }
    #expect(fault == CSVTable.Fault(line: 1, "缺少列“region”", "the column \"region\" is missing"))
  }

  @Test(arguments: [
    ("", ""), (" ", ""), ("a", "a"), (" a b ", "a b"), ("\t\r\na\n", "a"), ("\u{3000}启东\u{A0}", "启东"),
    ("（启）", "（启）"), ("《章程》\u{3000}", "《章程》"), ("\u{2009}“是”\u{2028}", "“是”"), ("是。 ", "是。"),
    // A space that carries an accent is white space, however it ends; no byte of these says more than it knows.
    ("是 \u{301}", "是"), ("是 \u{FF9E}", "是"), ("是 \u{302A}", "是"), ("\u{2028}是—", "是—"), ("！\u{205F}", "！"),
  ])
  func trimming(_ text: String, _ trimmed: String) { #expect(text.trimmingSpaces() == trimmed) }
}
