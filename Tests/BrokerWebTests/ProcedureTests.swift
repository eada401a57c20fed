internal import BrokerDomain
internal import Foundation
internal import TestSupport
internal import Testing

/// The procedures of the five plans, as `GET /v1/procedures` publishes them.
@Suite(.timeLimit(.minutes(5))) struct ProcedureTests {
  static let all = Result { () throws -> [String: JSONBody] in
    let page = try House.client(.stranger).get("/v1/procedures?limit=500")
    let items = page["items"].array ?? []
    return Dictionary(items.map { ($0["id"].string ?? "?", $0) }) { first, _ in first }
  }

  private static func procedure(_ id: String) throws -> JSONBody { try #require(try all.get()[id], "\(id)") }

  /// One row a procedure: openers, answerers, clock (days from `receipt` or a field, `ack` days, dates, or a stated
  /// date; `keeps` through transfers; whom it binds where that is the sender), days to acknowledge, what it allows ((s)upplement, (e)xtension, (t)ransfer, (r)eturn within, (d)ecline, `-`
  /// for nothing), what it expects.
  static let table = """
    verification             any         any         5 receipt                 1  s e t r2 d   i? s! q!  findings
    complaint                any         any         5 receipt keeps           1  t r2         i? s? q-  outcome
    hotline-transfer         hotline     any         5 receipt                 1  s t r2       i? s? q-  outcome
    commitment-service       itself      itself      3 data.appliedOn          -  -            i? s? q-  outcome
    format-text-publication  itself      itself      10 data.publishedOn       -  -            i? s- q-  outcome
    list-adjustment          any         supervisor,covering  10 receipt                1  s e r2       i? s- q-  outcome
    list-filing              any         supervisor,covering  7 data.publishedOn sender 1  r2           i? s- q-  outcome
    exemption-consultation   any         any         10 receipt                1  s e t r2     i! s- q-  outcome
    on-site-dispatch         any         any         ack 1                     1  t r1         i? s! q-  outcome
    supervision-handover     any         any         ack 1                     1  t r1         i! s! q-  outcome
    false-commitment         itself      itself      data.rectifyBy following 20  -  e         i? s! q-  outcome
    criminal-transfer        any         any         ack 1                     1  r1           i? s! q-  outcome
    credit-report            any         credit      ack 1                     1  r1           i? s! q-  outcome
    credit-check             any         credit      1 receipt                 -  -            i? s! q-  outcome
    credit-repair            any         credit      5 receipt                 1  s e r2       i? s! q-  outcome
    credit-objection         any         credit      3 receipt                 1  r1           i? s! q-  outcome
    half-year-summary        member,credit,hotline  supervisor,covering  02-29,08-31 preceding data.period sender  1  -   i- s- q-  outcome
    regulation-filing        member,credit,hotline  supervisor,covering  5 receipt      1  s e r2       i? s- q-  outcome
    problem-report           member,credit,hotline  supervisor,covering  5 receipt      1  s e          i? s- q-  outcome
    supervision-notice       supervisor  any,within         5 receipt                 1  e            i? s- q-  outcome
    """

  struct Row: Sendable, CustomTestStringConvertible {
    let id: String
    let words: String
    var testDescription: String { id }
  }

  static let rows = table.split(separator: "\n").map { line in
    let words = line.split(separator: " ")
    return Row(id: String(words[0]), words: words.dropFirst().joined(separator: " "))
  }

  private static func words(_ procedure: JSONBody) -> String {
    func party(_ party: JSONBody) -> String {
      if party["itself"].bool == true { return "itself" }
      let roles = (party["roles"].array ?? []).compactMap(\.string)
      let place = party["region"].string.flatMap { $0 == "any" ? nil : "," + $0 } ?? ""
      return (roles.isEmpty ? "any" : roles.joined(separator: ",")) + place
    }
    let clock = procedure["clock"]
    let days = clock["workingDays"].int.map(String.init) ?? "none"
    let roll = clock["roll"].string ?? "?"
    let time =
      switch clock["kind"].string {
      case "working-days": "\(days) \(clock["from"].string ?? "?")"
      case "acknowledge": "ack \(days)"
      case "fixed-dates": (clock["dates"].array ?? []).compactMap(\.string).joined(separator: ",") + " " + roll
      case "stated-date": "\(clock["date"].string ?? "?") \(roll) \(days)"
      default: "?"
      }
    let handover = clock["handover"].string == "restarts" ? "" : " " + (clock["handover"].string ?? "?")
    let allows = procedure["allows"]
    var may = [("supplement", "s"), ("extension", "e"), ("transfer", "t")].filter { allows[$0.0].bool == true }.map(\.1)
    if let days = procedure["returnDays"].int, allows["return"].bool == true { may.append("r\(days)") }
    if allows["decline"].bool == true { may.append("d") }
    let marks = ["none": "-", "optional": "?", "required": "!"]
    let expects = ["item", "subject", "questions"].map { name in
      "\(name.first ?? "?")\(marks[procedure["expects"][name].string ?? ""] ?? "~")"
    }
    return
      ([party(procedure["openers"]), party(procedure["answerers"]), time + handover]
      + (clock["after"].string.map { [$0] } ?? []) + (clock["binds"].string == "receiver" ? [] : ["sender"]) + [
        procedure["acknowledgeDays"].int.map(String.init) ?? "-"
      ] + (may.isEmpty ? ["-"] : may) + expects
      + [procedure["answerKind"].string ?? "?"]).joined(separator: " ")
  }

  @Test func everyProcedureOfThePlansIsThere() throws {
    #expect(Set(try Self.all.get().keys) == Set(Self.rows.map(\.id)))
    #expect(Self.rows.count == 20)
  }

  @Test(arguments: rows) func procedure(_ row: Row) throws {
    let procedure = try Self.procedure(row.id)
    #expect(Self.words(procedure) == row.words)
    #expect(procedure["title"]["zh"].string?.isChinese == true)
    #expect(procedure["title"]["en"].string?.isEmpty == false)
    #expect(procedure["sealed"].bool == (row.id == "criminal-transfer"))
    for outcome in procedure["outcomes"].array ?? [] {
      #expect(outcome["title"]["zh"].string?.isChinese == true, "\(outcome)")
      let known = (procedure["answerFields"].array ?? []).compactMap { $0["name"].string }
      #expect(Set((outcome["requires"].array ?? []).compactMap(\.string)).isSubset(of: known), "\(outcome)")
    }
  }

  /// The clauses of the plans.
  static let clauses: [(String, [String])] = [
    ("verification", ["启东方案 二(五)", "阿拉善右旗方案 三(三)", "西安方案 二(四)", "莱芜方案 7", "崂山方案 8、9"]),
    ("complaint", ["阿拉善右旗方案 三(二)"]), ("hotline-transfer", ["西安方案 二(八)"]),
    ("commitment-service", ["阿拉善右旗方案 三(二)"]), ("format-text-publication", ["莱芜方案 4", "崂山方案 5"]),
    ("list-adjustment", ["莱芜方案 2", "启东方案 二(一)"]), ("list-filing", ["崂山方案 3"]),
    ("exemption-consultation", ["莱芜方案 8", "崂山方案 10"]),
    ("on-site-dispatch", ["西安方案 二(五)", "阿拉善右旗方案 三(三)"]), ("supervision-handover", ["莱芜方案 8"]),
    ("false-commitment", ["启东方案 二(五)", "阿拉善右旗方案 三(三)", "西安方案 二(五)", "莱芜方案 8", "崂山方案 10"]),
    ("criminal-transfer", ["启东方案 二(五)", "西安方案 二(五)", "国务院令第310号"]),
    ("credit-report", ["启东方案 二(六)", "阿拉善右旗方案 三(四)", "西安方案 二(六)", "莱芜方案 9", "崂山方案 11"]),
    ("credit-check", ["启东方案 二(七)", "阿拉善右旗方案 二(三)", "西安方案 二(二)", "莱芜方案 9", "崂山方案 12"]),
    ("credit-repair", ["启东方案 二(六)", "莱芜方案 9"]), ("credit-objection", ["启东方案 二(六)", "第三十九条"]),
    ("half-year-summary", ["启东方案 三(三)", "阿拉善右旗方案 四(三)"]),
    ("regulation-filing", ["莱芜方案 三(三)", "崂山方案 15"]), ("problem-report", ["启东方案 三(三)"]),
    ("supervision-notice", ["启东方案 四(四)", "阿拉善右旗方案 五(三)", "西安方案 三(三)", "莱芜方案 三(四)", "崂山方案 16"]),
  ]

  @Test(arguments: clauses) func clause(_ id: String, _ parts: [String]) throws {
    let clause = try #require(try Self.procedure(id)["clause"].string).split(separator: "；").map(String.init)
    for part in parts { #expect(clause.contains { $0 == part || $0.contains("第") && $0.contains(part) }, "\(part)") }
  }

  /// Outcome, or disposal, → what it obliges next.
  @Test func followUps() throws {
    var found: [String] = []
    for (id, procedure) in try Self.all.get() {
      #expect(procedure["version"].int == 1)
      for outcome in (procedure["outcomes"].array ?? []) + (procedure["disposals"].array ?? []) {
        let name = outcome["id"].string ?? outcome["measure"].string ?? "?"
        let several = outcome["nexts"].array
        #expect(several?.first.map { $0["next"] == outcome["next"] && $0["fills"] == outcome["fills"] } != false)
        for one in several ?? [outcome] {
          guard let next = one["next"].string else { continue }
          found.append("\(id).\(name) \(one["how"].string ?? "?") \(next)")
        }
      }
    }
    #expect(
      found.sorted() == [
        "credit-objection.corrected reverses credit-report", "credit-repair.repaired reverses credit-report",
        "false-commitment.penalise opens credit-report", "false-commitment.rectify opens credit-report",
        "false-commitment.revoke opens credit-report", "false-commitment.terminate opens credit-report",
        "false-commitment.transfer-criminal opens credit-report",
        "false-commitment.transfer-criminal opens criminal-transfer",
        "on-site-dispatch.inconsistent offers false-commitment", "verification.contradicted offers false-commitment",
        "verification.transfer-criminal opens criminal-transfer",
      ])
  }

  /// Those that an item of the negative list is refused for.
  @Test func commitments() throws {
    let ids = try Self.all.get().filter { $0.value["commits"].bool == true }.keys.sorted()
    #expect(ids == ["commitment-service", "credit-check", "on-site-dispatch", "verification"])
  }

  /// What the answer to a complaint must say, whatever was found.
  @Test func complainantIsTold() throws {
    let outcomes = try #require(try Self.procedure("complaint")["outcomes"].array)
    #expect(outcomes.count == 3)
    for outcome in outcomes { #expect(outcome["requires"].array?.compactMap(\.string) == ["toldHow", "toldOn"]) }
    let fields = try #require(try Self.procedure("complaint")["answerFields"].array)
    #expect(fields.filter { $0["notBefore"].string == "receipt" }.map { $0["name"].string } == ["toldOn"])
  }

  /// Nobody was told the result before the complaint came: alone, and beside another fault.
  @Test(arguments: [#""signatory": "王五", "#, ""]) func notToldBeforeTheComplaint(_ signed: String) throws {
    let path = try House.daemon.open(
      marriageRequest(extra: [
        "procedure": .string("complaint"), "item": .missing, "questions": .missing, "commitment": .missing,
      ]))
    func answer(_ day: String, _ language: String) throws -> Reply {
      let data = #"{"toldHow": "phone", "toldOn": "\#(day)"}"#
      return try House.client(.responder).call(
        "POST", path + "/answer", json: #"{"outcome": "substantiated", \#(signed)"data": \#(data)}"#,
        headers: ["Accept-Language": language])
    }
    for (language, words) in [
      ("zh", "不能早于收到之日 2026-03-02"), ("en", "must not be before the day of receipt, 2026-03-02"),
    ] {
      let early = try answer("2026-03-01", language)
      expectProblem(early, 422, "invalid-body")
      #expect(pointers(early) == ["/data/toldOn"] + (signed.isEmpty ? ["/signatory"] : []))
      #expect(early.text.contains(words), "\(early.text)")
    }
    let same = try answer("2026-03-02", "zh")
    #expect(signed.isEmpty ? pointers(same) == ["/signatory"] : same.status == 200, "\(same.text)")
  }

  /// Nothing is delivered before the application: its day is that of the request's data, which lies before its receipt.
  @Test func notDeliveredBeforeTheApplication() throws {
    let path = try House.daemon.open(
      marriageRequest(
        to: .requester,
        extra: [
          "procedure": .string("commitment-service"), "item": .missing, "questions": .missing, "commitment": .missing,
          "data": .object(["appliedOn": .string("2026-02-27"), "channel": .string("letter")]),
        ]))
    func answer(_ day: String) throws -> Reply {
      try House.client(.requester).call(
        "POST", path + "/answer",
        json: #"{"outcome": "delivered", "signatory": "王五", "data": {"deliveredOn": "\#(day)"}}"#)
    }
    let early = try answer("2026-02-26")
    expectProblem(early, 422, "invalid-body")
    #expect(pointers(early) == ["/data/deliveredOn"] && early.text.contains("不能早于起算之日 2026-02-27"))
    #expect(try answer("2026-02-27").status == 200)
    let schema = try Self.procedure("commitment-service")["answerSchema"]["properties"]["deliveredOn"]["description"]
    #expect(schema.string?.contains("不早于起算之日 / not before the day from which the clock counts") == true)
  }

  /// The schema of the data says the same as its fields.
  @Test(arguments: rows, ["fields dataSchema", "answerFields answerSchema"])
  func schema(_ row: Row, _ names: String) throws {
    let words = names.split(separator: " ").map(String.init)
    let procedure = try Self.procedure(row.id)
    let fields = try #require(procedure[words[0]].array)
    let schema = procedure[words[1]]
    #expect(schema["$schema"].string == "https://json-schema.org/draft/2020-12/schema")
    #expect(schema["additionalProperties"].bool == false)
    #expect(schema["properties"].keys == fields.compactMap { $0["name"].string }.sorted())
    let required = fields.filter { $0["required"].bool == true }.compactMap { $0["name"].string }
    #expect(schema["required"].array?.compactMap(\.string) == required)
    for field in fields {
      let property = schema["properties"][field["name"].string ?? "?"]
      #expect(property["title"] == field["label"]["zh"] && property["title"].string?.isChinese == true)
      let floors = [
        "receipt": "; 不早于收到之日 / not before the day of receipt",
        "clock": "; 不早于起算之日 / not before the day from which the clock counts",
      ]
      let floor = field["notBefore"].string.map { floors[$0] ?? "?" } ?? ""
      #expect(property["description"].string == (field["label"]["en"].string ?? "?") + floor)
      let choices = field["choices"].array?.compactMap { $0["id"].string }
      #expect(property["enum"].array?.compactMap(\.string) == choices)
    }
  }

  @Test func fieldsOfTheHotline() throws {
    let fields = try #require(try Self.procedure("hotline-transfer")["fields"].array)
    let order = try #require(fields.first { $0["name"].string == "workOrder" })
    #expect(order["required"].bool == true && order["type"].string == "text")
    #expect(order["pattern"].string == #"\S+"# && order["maxLength"].int == 40)
    // A complaint that the hotline sends on by itself may name it.
    let complaint = try #require(try Self.procedure("complaint")["fields"].array)
    let named = try #require(complaint.first { $0["name"].string == "workOrder" })
    #expect(named["required"].bool == false && named["pattern"] == order["pattern"])
  }
}
