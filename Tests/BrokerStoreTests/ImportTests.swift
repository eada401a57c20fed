import BrokerDomain
import TestSupport
import Testing

@testable import BrokerStore

@Suite struct ImportTests {
  private static func load(_ store: Store, _ kind: ReferenceKind, _ text: String) -> Result<ImportReport, ImportError> {
    do throws(ImportError) {
      return .success(try store.importFile(kind, Array(text.utf8)))
    } catch {
      return .failure(error)
    }
  }

  /// The lines that were refused; nil when the file went in.
  private static func badLines(_ result: Result<ImportReport, ImportError>) -> [Int]? {
    guard case .failure(.rows(let faults)) = result else { return nil }
    for fault in faults { #expect(!fault.detail.zh.isEmpty && !fault.detail.en.isEmpty) }
    return faults.map(\.line)
  }

  @Test func realFilesLoad() throws {
    let store = try Fixture().open()
    defer { store.close() }
    #expect(store.reference.organs.count == 18)
    #expect(store.reference.items.count == 50)
    #expect(store.reference.assistance.count == 31)
    for organ in Qidong.allCases { #expect(store.reference.organ(organ.organ)?.shortName == organ.shortName) }
    let route = store.reference.route(item: "47", requester: Qidong.requester.organ)
    #expect(route?.obliged == Qidong.responder.organ)
    for year in 2018...2026 {
      let report = try store.importFile(.calendar, Fixture.config("calendars/cn/\(year).csv"))
      #expect(report.rows > 20)
      #expect(report.ignoredColumns == [])
    }
    #expect(store.reference.calendar.knownYears == Set(2018...2026))
    let organs = try store.importFile(.organs, Fixture.config("examples/qidong/organs.csv"))
    #expect(organs.rows == 18 && organs.ignoredColumns == ["named_in_plan"])
    #expect(store.reference.organs.count == 18, "again is the same")
    #expect(try store.verify() == [])
  }

  /// A row with another fault is in the file all the same: what repeats it is named, and what names it is not blamed.
  @Test(arguments: [
    (ReferenceKind.organs, "code,name,region\n113206810142601534,甲,32068\n113206810142601534,甲,320681\n", [2, 3]),
    (.organs, "code,name,region\n113206810142601534,,320681\n113206810142601534,甲,320681\n", [2, 3]),
    (
      .organs,
      "code,name,role,region,superior\n11320600020000016Y,南通市某局,member,32060,\n"
        + "113206810142601534,启东市某局,member,320681,11320600020000016Y\n", [2]
    ),
    (
      .organs,
      "code,name,role,region,superior\n113206810142601534,启东市某局,member,320681,11320600020000016Y\n", [2]
    ),
    (.items, "seq,proof_item,admin_matter\n900,,甲事\n900,乙证,甲事\n", [2, 3]),
    (
      .assistanceList,
      "item_seq,requesting_code,requested_code,working_days\n47,113206810142605753,11320681014260292X,5\n"
        + "47,113206810142605753,11320681014260292T,5\n", [2, 3]
    ),
    (.calendar, "date,kind,festival,notice\n2027-01-01,offf,元旦,x\n2027-01-01,off,元旦,x\n", [2, 3]),
    (.calendar, "date,kind,festival,notice\n2206-10-01,off,国庆节,x\n2027-01-01,off,元旦,x\n", [2]),
    (.organs, "code,name,role,region\n113206810142601534,甲局,;,320681\n", [2]),
    (.organs, "code,name,region\n113206810142601534,甲\u{202E}局,320681\n", [2]),
    (.items, "seq,proof_item,admin_matter,county_dept\n900,甲证,甲事,\"甲\t局\"\n", [2]),
    (.items, "seq,proof_item,admin_matter,excluded\n900,甲证,甲事,无\n901,乙证,乙事,FALSE\n902,丙证,丙事,保密法\n", [2, 3]),
    (.calendar, "date,kind,festival,notice,region\n2027-01-01,off,元旦,x,3206813\n2027-01-01,off,元旦,x,\n", [2]),
  ]) func aRowThatIsWrongIsThereAllTheSame(_ kind: ReferenceKind, _ text: String, _ lines: [Int]) throws {
    let store = try Fixture().open(.command)
    defer { store.close() }
    #expect(Self.badLines(Self.load(store, kind, text)) == lines)
  }

  /// The national days of a year, as text.
  private static func days(_ store: Store, _ year: Int) throws -> Int64 {
    try store.scalar("SELECT count(*) FROM calendar_day WHERE region = '' AND date LIKE '\(year)-%'")
  }

  @Test func aNoticeThatNamesTheYearBeforeLeavesItAlone() throws {
    let store = try Fixture().open(.command)
    defer { store.close() }
    let before = try Self.days(store, 2026)
    let rows = "2026-12-31,off,元旦,通知2027\n2027-01-01,off,元旦,通知2027\n2027-10-01,off,国庆节,通知2027\n"
    let report = try Self.load(store, .calendar, "date,kind,festival,notice\n" + rows).get()
    #expect(report.days.replacedYears == [2027] && report.days.added == ["2026-12-31"] && report.days.removed == [])
    // 春节 is no working day: the file is not whole, and says so.
    #expect(report.days.incomplete.map { $0.zh.contains("2027-02-05 春节") && !$0.zh.contains("元旦") } == [true])
    #expect(try Self.days(store, 2026) == before + 1 && Self.days(store, 2027) == 2)
    #expect(store.reference.calendar.knownYears == [2026, 2027])
    // The year's own notice again, without a day that it should not have had: now exactly what it says.
    let again = try Self.load(
      store, .calendar, "date,kind,festival,notice\n2027-05-01,off,劳动节,通知2027\n2027-10-01,off,国庆节,通知2027\n"
    ).get()
    #expect(again.days.replacedYears == [2027] && again.days.removed == ["2027-01-01"] && again.days.added == [])
    #expect(try Self.days(store, 2027) == 2 && Self.days(store, 2026) == before + 1)
    // Nor does the notice of the year before take back what this one says of its last day.
    let older = try store.importFile(.calendar, Fixture.config("calendars/cn/2026.csv"))
    #expect(older.days == CalendarChanges(replacedYears: [2026]))
    #expect(try Self.days(store, 2026) == before + 1)
    let day = try #require(CalendarDate("2026-12-31"))
    #expect(!store.reference.calendar.isWorkingDay(day, region: nil))
  }

  @Test func aNoticeThatAmendsAYearChangesItsOwnDaysOnly() throws {
    let store = try Fixture().open(.command)
    defer { store.close() }
    let before = try Self.days(store, 2026)
    let rows = "2026-03-02,off,测试,改\n2026-02-14,off,春节,改\n2026-02-15,off,春节,国办发明电〔2025〕7号\n2026-03-07,work,测试,改\n"
    let report = try Self.load(store, .calendar, "date,kind,festival,notice\n" + rows).get()
    #expect(report.days == CalendarChanges(added: ["2026-03-02", "2026-03-07"], changed: ["2026-02-14"]))
    #expect(try Self.days(store, 2026) == before + 2)
    #expect(store.reference.calendar.isKnown(2026))
  }

  @Test func regionalDaysAreNeverCleared() throws {
    let store = try Fixture().open(.command)
    defer { store.close() }
    let header = "date,kind,festival,notice,region\n"
    let first = try Self.load(store, .calendar, header + "2026-04-20,off,三月三,桂,45\n2026-10-01,off,国庆节,桂,45\n").get()
    #expect(
      first.days == CalendarChanges(added: ["45 2026-04-20", "45 2026-10-01"]), "a region has no notice of a year")
    let second = try Self.load(store, .calendar, header + "2026-04-21,off,三月三,桂,45\n2026-04-20,off,三月三,桂二,45\n").get()
    #expect(second.days == CalendarChanges(added: ["45 2026-04-21"], changed: ["45 2026-04-20"]))
    _ = try store.importFile(.calendar, Fixture.config("calendars/cn/2026.csv"))
    #expect(try store.scalar("SELECT count(*) FROM calendar_day WHERE region = '45'") == 3)
  }

  /// Each a file with bad rows, and their lines.
  static let bad: [(kind: ReferenceKind, text: String, lines: [Int])] = [
    (.organs, "", [1]),
    (.organs, "code,name,region\n", [1]),
    (.organs, "name,region\n某局,320681\n", [1]),
    (
      .organs,
      """
      code,name,region,role,superior
      11320681014260014D,启东市司法局,320681,supervisor,
      11320681014260014E,校验码不符,320681,member,
      11320681014260292T,,320681,member,
      113206810142605753,医保局,32068,member,
      11320681014260225W,公安局,320681,emperor,
      11320681014260014D,又一个司法局,320681,member,short
      """, [3, 4, 5, 6, 7, 7]
    ),
    (
      .organs,
      """
      code,name,region,role,superior
      11152922015602100Y,旗医保局,152922,member,11320681014260014D
      113206810142605753,医保局,320681,member,113206810142605753
      11320681014260292T,民政局,320681,member,11152922015602100Y
      11320681014260225W,公安局,320681,member,11320500014000014A
      """, [3, 5]
    ),
    (.items, "seq,proof_item\n1,结婚证\n", [1]),
    (
      .items, "seq,proof_item,admin_matter\n1,结婚证,登记\n1,出生证,登记\n3,结婚证,登记\n4,,登记\n,户口簿,登记\n",
      [3, 4, 5, 6]
    ),
    (
      .items,
      """
      seq,proof_item,admin_matter,method,excluded,public,agent_allowed
      901,甲,乙,online,,no,yes
      902,甲,丙,guess,,yes,yes
      903,甲,丁,,yes,maybe,
      904,甲,戊,exempt,方案二(七),yes,nein
      """, [3, 4, 4, 5]
    ),
    (
      .items,
      """
      seq,proof_item,admin_matter,region
      901,甲,乙,320681
      902,甲,乙,152922
      903,甲,乙,320600
      904,甲,乙,
      905,甲,丙,3206
      906,结婚证,产前检查费支付,152922
      907,结婚证,产前检查费支付,320600
      47,甲,丁,152922
      """, [4, 5, 6, 9, 9]
    ),
    (
      .organs,
      """
      code,name,region,liaison_name,liaison_phone,liaison_substitute,liaison_substitute_phone
      11320681014260014D,启东市司法局,320681,张三,0513-80000000,李四,13800000000
      11320681014260292T,民政局,320681,,0513-80000000,,
      113206810142605753,医保局,320681,张三,call me,,
      11320681014260225W,公安局,320681,张三,,,13800000000
      """, [3, 4, 5]
    ),
    (.organs, "code,name,region,leader_phone\n11320681014260014D,启东市司法局,320681,110\n", [1]),
    (
      .assistanceList,
      """
      item,requester,obliged,working_days,proof
      47,113206810142605753,11320681014260292T,5,
      47,113206810142605753,11320681014260292T,5,
      999,113206810142605753,11320681014260292T,5,
      2,113206810142605753,113206810142605753,5,
      3,113206810142605753,11320681014260292T,0,
      3,11320681014260292T,113206810142605753,251,
      3,11320681014260225W,113206810142605753,five,
      47,11320681014260225W,113206810142605753,5,离婚证
      5,91350100M000100Y43,113206810142605753,5,
      """, [3, 4, 5, 6, 7, 8, 9, 10]
    ),
    (.calendar, "date,kind\n2026-02-30,off\n2026-02-01,maybe\n2026-02-02,off\n2026-02-02,work\n", [2, 3, 5]),
    (.calendar, "date,kind,region\n2026-02-01,off,320\n2026-02-01,off,\"45\n", [3]),
  ]

  @Test(arguments: bad)
  func everyBadRowIsNamedAndNoneGoesIn(_ file: (kind: ReferenceKind, text: String, lines: [Int])) throws {
    let store = try Fixture().open(.command)
    defer { store.close() }
    let before = try store.countsText
    let generation = try store.scalar("SELECT value FROM meta WHERE name = 'reference-generation'")
    let lines = Self.badLines(Self.load(store, file.kind, file.text))
    #expect(lines == file.lines, "\(file.text)")
    #expect(try store.countsText == before)
    #expect(try store.scalar("SELECT value FROM meta WHERE name = 'reference-generation'") == generation)
    #expect(store.reference.organs.count == 18 && store.reference.items.count == 50)
  }

  @Test func columnsHaveOtherNamesAndAnyOrder() throws {
    let store = try Fixture(.real).open()
    defer { store.close() }
    let items = Self.load(store, .items, "matter,code,remark,proof,department\n产前检查费支付,901,x,结婚证书,市医保局\n")
    #expect(try items.get().ignoredColumns == ["remark"])
    #expect(store.reference.item("901")?.departments == ["", "", "市医保局"])
    #expect(store.reference.items.count == 51, "added, not replaced")
    let list = Self.load(
      store, .assistanceList,
      "working_days,obliged,requester,item,matter\n9,11320681014260292t,113206810142605753,901,产前检查费支付\n")
    #expect(try list.get().rows == 1)
    #expect(
      store.reference.assistance == [
        AssistanceEntry(item: "901", requester: Qidong.requester.organ, obliged: Qidong.responder.organ, workingDays: 9)
      ], "the list is replaced whole")
    let organs = Self.load(
      store, .organs, "\u{FEFF}name,roles,region,code\r\n\"启东市司法局, 新\",supervisor credit,320600,11320681014260014D\r\n")
    #expect(try organs.get().rows == 1)
    let organ = try #require(store.reference.organ(Qidong.supervisor.organ))
    #expect(organ.name == "启东市司法局, 新" && organ.roles == [.supervisor, .credit])
    #expect(organ.number == 1, "its number stays, because rows refer to it")
  }

  /// A list is of its region, keeps it where a file has no column for it, and is shared again where the cell is empty.
  @Test func itemsAreOfARegion() throws {
    let store = try Fixture(.real).open()
    defer { store.close() }
    let there = try #require(RegionCode("152922"))
    let organ = "11152922015602100Y"
    _ = try Self.load(store, .organs, "code,name,region\n\(organ),阿拉善右旗医保局,152922\n").get()
    _ = try Self.load(store, .items, "code,proof,matter,region\nAYQ-1,结婚证,产前检查费支付,152922\n").get()
    #expect(store.reference.item("AYQ-1")?.region == there)
    #expect(store.reference.item("47")?.region?.description == "320681")
    _ = try Self.load(store, .items, "code,proof,matter,method\nAYQ-1,结婚证,产前检查费支付,online\n").get()
    #expect(store.reference.item("AYQ-1")?.region == there && store.reference.item("AYQ-1")?.method == .online)
    // Nobody is obliged about an item that the organ that asks cannot name.
    let head = "item,requester,obliged,working_days\n"
    let entries = ["47", "AYQ-1"].flatMap { item in
      [Qidong.requester.code, organ].map { "\(item),\($0),\(Qidong.responder.code),5\n" }
    }
    #expect(Self.badLines(Self.load(store, .assistanceList, head + entries.joined())) == [3, 4])
    _ = try Self.load(store, .assistanceList, head + entries[0] + entries[3]).get()
    // A number that a region has is not given to another proof, unless the file says that it means this very item.
    let other = "44,另一证明,另一事项"
    #expect(Self.badLines(Self.load(store, .items, "code,proof,matter\n\(other)\n")) == [2])
    #expect(Self.badLines(Self.load(store, .items, "code,proof,matter,note,,note,\nZ9,庚,辛,,,,\n")) == [1])
    #expect(Self.badLines(Self.load(store, .items, "code,proof,matter,region\n\(other),\n")) == [2])
    #expect(Self.badLines(Self.load(store, .items, "code,proof,matter,region\n\(other),320600\n")) == [2])
    _ = try Self.load(store, .items, "code,proof,matter,region\n\(other),320681\n").get()
    #expect(store.reference.item("44")?.proof == "另一证明")
    // What becomes a region's leaves no entry behind that nobody can use.
    #expect(Self.badLines(Self.load(store, .items, "code,proof,matter,region\nS-1,甲,子,\n")) == nil)
    _ = try Self.load(store, .assistanceList, head + "S-1,\(Qidong.requester.code),\(Qidong.responder.code),5\n").get()
    #expect(Self.badLines(Self.load(store, .items, "code,proof,matter,region\nS-1,甲,子,152922\n")) == [2])
    #expect(Self.badLines(Self.load(store, .items, "code,proof,matter,region\nS-1,甲,子,320681\n")) == nil)
    // The file itself may give a pair to another region, whatever the list says until then.
    let pair = "\(other),\n".dropFirst(3).dropLast(2)
    _ = try Self.load(store, .items, "code,proof,matter,region\n44,\(pair),\n").get()
    _ = try Self.load(store, .items, "code,proof,matter,region\n44,\(pair),320681\nAYQ-2,\(pair),152922\n").get()
    _ = try Self.load(store, .items, "code,proof,matter,region\n44,\(pair),\nAYQ-2,丙,丑,152922\n").get()
    #expect(store.reference.item("44")?.region == nil && store.reference.item("44", for: Qidong.requester.organ) != nil)
  }

  /// An item may not take over the pair that another item holds, whatever line of defence notices.
  @Test func pairOfAnotherItemIsRefusedWhole() throws {
    let store = try Fixture(.real).open()
    defer { store.close() }
    let taken = try #require(store.reference.item("47"))
    let before = store.reference.items
    let result = Self.load(
      store, .items, "code,proof,matter\n902,新证明,新事项\n903,\(taken.proof),\(taken.matter)\n")
    guard case .failure = result else {
      Issue.record("went in")
      return
    }
    #expect(store.reference.items == before)
    #expect(try store.scalar("SELECT count(*) FROM listed_item") == 50)
  }

  @Test func nationAndRegionLeaveEachOtherAlone() throws {
    let store = try Fixture(.real).open()
    defer { store.close() }
    let region = try #require(RegionCode("450102"))
    func works(_ date: String, in region: RegionCode? = nil) -> Bool {
      CalendarDate(date).map { store.reference.calendar.isWorkingDay($0, region: region) } ?? false
    }
    #expect(!works("2026-02-17"), "Spring Festival")
    let overlay = "date,kind,festival,notice,region\n2026-04-20,off,三月三,桂,450000\n2026-04-21,off,三月三,桂,450000\n"
    _ = try Self.load(store, .calendar, overlay).get()
    #expect(!works("2026-04-20", in: region) && works("2026-04-20"))
    #expect(!works("2026-02-17", in: region), "the nation's days stay")
    // One of the region's days is taken back by its opposite; the other stays.
    _ = try Self.load(store, .calendar, "date,kind,region\n2026-04-21,work,45\n").get()
    #expect(!works("2026-04-20", in: region) && works("2026-04-21", in: region))
    // The nation's 2027 leaves 2026 and the region alone.
    _ = try Self.load(store, .calendar, "date,kind\n2027-10-01,off\n2027-02-09,off\n").get()
    #expect(!works("2026-02-17") && !works("2027-02-09") && !works("2026-04-20", in: region))
    #expect(store.reference.calendar.knownYears == [2026, 2027])
    // And its 2026 anew leaves nothing of the old.
    _ = try Self.load(store, .calendar, "date,kind\n2026-05-01,off\n2026-10-01,off\n").get()
    #expect(works("2026-02-17") && !works("2027-02-09") && !works("2026-04-20", in: region))
  }
}
