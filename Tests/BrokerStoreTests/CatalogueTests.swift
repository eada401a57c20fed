import BrokerDomain
import TestSupport
import Testing

@testable import BrokerStore

/// The lists in versions: when each holds, and what an import may do.
@Suite(.timeLimit(.minutes(5))) struct CatalogueTests {
  private static func day(_ text: String) throws -> CalendarDate { try #require(CalendarDate(text)) }

  private static func load(
    _ store: Store, _ kind: ReferenceKind, _ text: String, from day: String? = nil, notice: String? = nil
  ) throws -> ImportReport {
    try store.importFile(
      kind, Array(text.utf8), ListTerms(effectiveFrom: try day.map(Self.day), notice: notice))
  }

  private static func wrong(_ work: () throws -> ImportReport) -> String {
    do {
      _ = try work()
      return "went in"
    } catch ImportError.store(.wrongMode(let text)) {
      return text
    } catch {
      return "\(error)"
    }
  }

  private static let exempt = "code,proof,matter,method,method_basis\n47,结婚证,产前检查费支付,exempt,方案二(三)\n"

  @Test func aVersionWaitsForItsDayAlsoAcrossARestart() async throws {
    let fixture = try Fixture()
    try await fixture.life { store in
      let report = try Self.load(store, .items, Self.exempt, from: "2026-03-05", notice: "启司发〔2026〕2号")
      #expect(report.version?.number == 2)
      #expect(store.reference.itemsVersion.number == 1 && store.reference.item("47")?.method == .assistance)
      try await store.submit()
      try await store.advance(to: "2026-03-04T22:00:00+08:00")
      #expect(store.reference.itemsVersion.number == 1)
    }
    try await fixture.life { store in
      #expect(store.reference.itemsVersion.number == 1)
      try await store.advance(to: "2026-03-05T00:00:00+08:00")
      #expect(store.reference.itemsVersion.number == 2 && store.reference.items.count == 50)
      do {
        try await store.submit()
        Issue.record("an exempt item went in")
      } catch StoreError.refused(.faults(let faults)) {
        #expect(faults.map(\.code) == ["item-exempt"])
        for part in ["方案二(三)", "第2版", "2026-03-05", "启司发〔2026〕2号"] {
          #expect(faults[0].detail.zh.contains(part), "\(faults[0].detail.zh)")
        }
      }
      // The old one stays readable.
      #expect(try await store.items(asOf: Self.day("2026-03-04")).version.number == 1)
      #expect(try await store.items(asOf: Self.day("2026-03-04")).rows.first { $0.code == "47" }?.method == .assistance)
      #expect(try await store.items(asOf: Self.day("2026-12-31")).version.number == 2)
      #expect(try await store.items(asOf: Self.day("2026-03-01")).version.number == 0)
    }
    try await fixture.life { store in #expect(store.reference.itemsVersion.number == 2) }
  }

  /// A batch that began before midnight holds requests that came in after it.
  @Test func theMomentOfReceiptDecides() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    _ = try Self.load(store, .items, Self.exempt, from: "2026-03-05")
    let (before, after) = try await store.write { context in
      let midnight = CalendarDate("2026-03-05")!.midnight
      return (context.reference(at: midnight + -1), context.reference(at: midnight))
    }
    #expect(before.item("47")?.method == .assistance && after.item("47")?.method == .exempt)
  }

  @Test func aRequestKeepsTheNameThatItsItemHad() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    let request = try await store.submit()
    try await store.advance(to: "2026-03-03T09:00:00+08:00")
    _ = try Self.load(store, .items, "code,proof,matter\n47,婚姻登记证明,产前检查费支付\n")
    #expect(store.reference.item("47")?.proof == "婚姻登记证明")
    #expect(store.reference.item("47", at: request.receivedAt)?.proof == "结婚证")
    #expect(store.reference.item("47", at: store.clock.now)?.proof == "婚姻登记证明")
  }

  @Test func whatCannotBeIsRefused() throws {
    let store = try Fixture().open()
    defer { store.close() }
    #expect(Self.wrong { try Self.load(store, .items, Self.exempt, from: "2026-03-01") }.contains("2026-03-01 is past"))
    _ = try Self.load(store, .items, Self.exempt, from: "2026-03-09")
    let waiting = Self.wrong { try Self.load(store, .items, Self.exempt) }
    #expect(waiting.contains("第2版") && waiting.contains("2026-03-09"), "\(waiting)")
    #expect(
      try Self.load(store, .items, Self.exempt, from: "2026-03-09").version?.number == 3, "the same day is not before")
    // An entry may name an item that will be listed on its day.
    _ = try Self.load(store, .items, "code,proof,matter\n901,新证明,新事项\n", from: "2026-04-01")
    let entry = "item,requester,obliged,working_days\n901,113206810142605753,11320681014260292T,9\n"
    #expect(Self.wrong { try Self.load(store, .assistanceList, entry) }.contains("ImportFault"))
    #expect(try Self.load(store, .assistanceList, entry, from: "2026-04-01").version?.number == 2)
    #expect(store.reference.inForce(at: try Self.day("2026-04-01").midnight).assistance.map(\.item) == ["901"])
    #expect(store.reference.assistance.count == 31)
  }

  @Test func contactsAreKeptApartAndOnlyReplacedByAFileThatHasThem() throws {
    let store = try Fixture().open()
    defer { store.close() }
    let head = "code,name,region,liaison_name,liaison_phone,liaison_substitute,liaison_substitute_phone,leader_name\n"
    let code = Qidong.responder.code
    _ = try Self.load(store, .organs, head + "\(code),启东市民政局,320681,张三,0513-80000000,李四,13800000000,王五\n")
    let contacts = [
      OrganContact(
        role: .liaison, name: "张三", phone: "0513-80000000", substituteName: "李四", substitutePhone: "13800000000"),
      OrganContact(role: .leader, name: "王五", phone: nil, substituteName: nil, substitutePhone: nil),
    ]
    #expect(store.reference.organ(Qidong.responder.organ)?.contacts == contacts)
    _ = try Self.load(store, .organs, "code,name,region\n\(code),启东市民政局,320681\n")
    #expect(store.reference.organ(Qidong.responder.organ)?.contacts == contacts)
    _ = try Self.load(store, .organs, "code,name,region,leader_name\n\(code),启东市民政局,320681,\n")
    #expect(store.reference.organ(Qidong.responder.organ)?.contacts == Array(contacts.prefix(1)))
  }

  /// A table of contacts takes nobody's role away, and a list without the rules' columns lifts no exclusion.
  @Test func whatAFileHasNoColumnForStays() throws {
    let store = try Fixture().open()
    defer { store.close() }
    let before = store.reference.organs
    let rows = before.map { "\($0.code),\($0.name),\($0.region),联络人\n" }.joined()
    _ = try Self.load(store, .organs, "code,name,region,liaison_name\n" + rows)
    #expect(store.reference.organs.map(\.roles) == before.map(\.roles))
    #expect(store.reference.organs.map(\.shortName) == before.map(\.shortName))
    #expect(store.reference.organs.map(\.superior) == before.map(\.superior))
    #expect(store.reference.organs.allSatisfy { $0.contact(.liaison)?.name == "联络人" })
    let code = Qidong.responder.code
    _ = try Self.load(store, .organs, "code,name,region,superior,note\n\(code),启东市民政局,320681,\(before[0].code),看\n")
    _ = try Self.load(store, .organs, "code,name,region,role\n\(code),启东市民政局,320681,\n")
    let organ = try #require(store.reference.organ(Qidong.responder.organ))
    #expect(organ.superior == before[0].code && organ.roles == [.member], "an empty cell says member")
    #expect(String(decoding: try store.exportFile(.organs), as: UTF8.self).contains("看"))

    let rules = "code,proof,matter,county_dept,method,method_basis,excluded,public,agent_allowed,note\n"
    _ = try Self.load(store, .items, rules + "901,新证明,新事项,民政局,online,某办法,某规定,no,no,注\n")
    let item = try #require(store.reference.item("901"))
    _ = try Self.load(store, .items, "code,proof,matter\n901,新证明,新事项\n")
    #expect(store.reference.item("901") == item)
    _ = try Self.load(store, .items, "code,proof,matter,excluded\n901,新证明,新事项,\n")
    var lifted = item
    lifted.exclusion = nil
    #expect(store.reference.item("901") == lifted)
    #expect(String(decoding: try store.exportFile(.items), as: UTF8.self).contains("注"))
  }

  /// Both example regions beside each other: each supervisor sees its own.
  @Test func twoRegionsInOneDatabase() throws {
    let store = try Fixture().open()
    defer { store.close() }
    let report = try store.importFile(.organs, Fixture.config("examples/ayouqi/organs.csv"))
    #expect(report.rows == 46 && store.reference.organs.count == 64)
    let supervisors = store.reference.organs.filter { $0.roles.contains(.supervisor) }
    #expect(supervisors.map(\.region.description).sorted() == ["152922", "320681"])
    for organ in store.reference.organs where !organ.roles.contains(.supervisor) {
      #expect(store.reference.supervisors(of: organ).map(\.region) == [organ.region], "\(organ.name)")
    }
    #expect(try store.verify() == [])
  }
}
