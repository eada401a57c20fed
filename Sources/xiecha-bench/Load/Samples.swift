internal import BrokerDomain
internal import Foundation

/// Verification requests like those of the plans: routed by the example's assistance list, each about another person.
struct Samples {
  let reference: Reference
  private let entries: [AssistanceEntry]

  init(_ reference: Reference) throws { try self.init(reference, reference.assistance) }

  private init(_ reference: Reference, _ entries: [AssistanceEntry]) throws {
    guard !entries.isEmpty else { throw BenchError("the example has no assistance list for this") }
    self.reference = reference
    self.entries = entries
  }

  /// The entry whose turn it is.
  func entry(_ index: Int) -> AssistanceEntry { entries[index % entries.count] }

  /// Those alone whose obliged organ asks nothing itself: endpoints of the requesters get one message an event.
  func oneSided() throws -> Samples {
    let asking = Set(reference.assistance.map(\.requester))
    return try Samples(reference, reference.assistance.filter { !asking.contains($0.obliged) })
  }

  var requesters: Set<OrganCode> { Set(entries.map(\.requester)) }

  /// A valid resident id; scattered, as people's are, so that an index on them is no append.
  static func residentID(_ index: Int) -> String {
    var state = UInt64(truncatingIfNeeded: index) &* 0x9E37_79B9_7F4A_7C15
    state ^= state >> 29
    let (year, month, day) = (1950 + state % 55, 1 + state / 64 % 12, 1 + state / 1024 % 28)
    let text = "320681" + String(format: "%04d%02d%02d%03d", year, month, day, Int(state / 65_536 % 1000))
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    let sum = zip(text.utf8, weights).reduce(0) { $0 + (Int($1.0) - 48) * $1.1 }
    return text + String(Array("10X98765432")[sum % 11])
  }

  func submission(_ index: Int, to: OrganCode? = nil, padding: Int = 0) -> Submission {
    let entry = entry(index)
    return Submission(
      procedure: "verification", item: to == nil ? entry.item : nil, to: to ?? entry.obliged,
      subject: Subject(
        kind: .person, name: "张三", idType: "resident-id", idNumber: Self.residentID(index)),
      content: Content(
        commitment: Commitment(
          number: "（2026年）第\(index)号", signedOn: CalendarDate("2026-11-20"), byAgent: false),
        questions: [Question(id: "q1", text: "申请人是否已办理结婚登记", asOf: CalendarDate("2026-11-20"))],
        purpose: "产前检查费支付", basis: padding > 0 ? String(repeating: "x", count: padding) : nil,
        reference: "启医保协查〔2026〕\(index)号", signatory: "李四"))
  }

  /// The body of a POST, about 1 KB.
  func body(_ index: Int) -> String {
    let entry = entry(index)
    return """
      {"procedure":"verification","item":"\(entry.item)","to":"\(entry.obliged)",\
      "subject":{"kind":"person","name":"张三","idType":"resident-id","idNumber":"\(Self.residentID(index))"},\
      "commitment":{"number":"（2026年）第\(index)号","signedOn":"2026-11-20","byAgent":false},\
      "questions":[{"id":"q1","text":"申请人是否已办理结婚登记","asOf":"2026-11-20"},\
      {"id":"q2","text":"登记的配偶姓名是否与承诺书所载一致","asOf":"2026-11-20"}],\
      "purpose":"产前检查费支付","basis":"《启东市全面推行证明事项告知承诺制工作实施方案》二（五）：加强协助核查",\
      "reason":"有关数据尚未实现网络共享，无法通过政务信息共享平台核验","reference":"启医保协查〔2026〕\(index)号",\
      "contact":{"name":"王五","phone":"0513-83310000"},"signatory":"李四","urgency":"normal","data":{}}
      """
  }

  /// How many different requests the generator takes turns with.
  static let different = 4096

  /// A file for the generator.
  func write(to file: String, path: String, keys: [OrganCode: String], idempotency: Bool) throws {
    var load = LoadFile()
    for index in 0..<Self.different {
      guard let key = keys[entry(index).requester] else { throw BenchError("an organ has no key") }
      load.add(
        "POST", path, key: key, headers: idempotency ? "Idempotency-Key: \(Generator.keyPlaceholder)\r\n" : "",
        body: body(index))
    }
    try load.write(to: file)
  }
}
