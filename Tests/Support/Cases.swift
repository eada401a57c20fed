internal import Synchronization

private let counter = Atomic<Int>(0)

/// A number not given before in this process.
package func serial() -> Int { counter.wrappingAdd(1, ordering: .relaxed).newValue }

/// A reference (发文字号) not given before in this process.
package func freshReference() -> String { "启医保协查〔2026〕\(serial())号" }

/// Who a request is about.
package struct Person: Sendable {
  package var name: String
  package var idNumber: String

  package init(name: String = "张三", idNumber: String = Person.residentID()) {
    self.name = name
    self.idNumber = idNumber
  }

  /// A well-formed resident id (GB 11643) of 启东, of nobody in particular.
  package static func residentID() -> String {
    var generator = SystemRandomNumberGenerator()
    return residentID(using: &generator)
  }

  package static func residentID(using generator: inout some RandomNumberGenerator) -> String {
    func digits(_ range: ClosedRange<Int>, _ width: Int) -> String {
      let text = String(Int.random(in: range, using: &generator))
      return String(repeating: "0", count: width - text.count) + text
    }
    let born = digits(1950...2005, 4) + digits(1...12, 2) + digits(1...28, 2)
    let stem = "320681" + born + digits(1...999, 3)
    return stem + String(checkCharacter(of: stem))
  }

  /// ISO 7064 MOD 11-2 over the first seventeen digits.
  package static func checkCharacter(of stem: String) -> Character {
    var sum = 0
    for digit in stem { sum = (sum + (digit.wholeNumberValue ?? 0)) * 2 % 11 }
    let value = (12 - sum) % 11
    return value == 10 ? "X" : Character(String(value))
  }
}

/// The body of a verification request: has the applicant for 产前检查费支付 registered a marriage?
/// - Parameters:
///   - item: 47 is 结婚证 in the 启东 list.
///   - to: the requested organ; nil leaves it to the assistance list.
///   - date: the commitment's date and what the question is asked as of.
///   - extra: members that replace or join these; `.missing` removes one.
package func marriageRequest(
  reference: String = freshReference(), item: String = "47", to organ: Qidong? = .responder,
  subject: Person = Person(), commitment: String? = nil, date: String = "2025-03-03",
  extra: [String: JSONBody] = [:]
) -> String {
  var members: [String: JSONBody] = [
    "procedure": .string("verification"),
    "item": .string(item),
    "subject": .object([
      "kind": .string("person"), "name": .string(subject.name),
      "idType": .string("resident-id"), "idNumber": .string(subject.idNumber),
    ]),
    "commitment": .object([
      "number": .string(commitment ?? "（2025年）第\(serial())号"), "signedOn": .string(date),
      "byAgent": .bool(false),
    ]),
    "questions": .array([
      .object([
        "id": .string("q1"), "text": .string("申请人是否已办理结婚登记"), "asOf": .string(date),
      ])
    ]),
    "purpose": .string("产前检查费支付"),
    "basis": .string("启东市证明事项告知承诺制工作方案二（五）"),
    "reason": .string("数据尚未实现网络共享"),
    "reference": .string(reference),
    "contact": .object(["name": .string("李四"), "phone": .string("0513-80920000")]),
    "signatory": .string("王五"),
    "urgency": .string("normal"),
  ]
  if let organ { members["to"] = .string(organ.code) }
  return body(members, extra)
}

/// The body of `answer` to `marriageRequest`.
/// - Parameter result: `confirmed`, `partly`, `contradicted` or `no-record`.
package func answerBody(
  result: String = "confirmed", date: String = "2025-03-03", extra: [String: JSONBody] = [:]
) -> String {
  let finding: [String: JSONBody] = [
    "question": .string("q1"), "result": .string(result), "source": .string("婚姻登记信息系统"),
    "asOf": .string(date),
  ]
  let members: [String: JSONBody] = [
    "findings": .array([.object(finding)]),
    "text": .string("经查婚姻登记信息系统，函复如上。"),
    "reference": .string("启民协复〔2026〕\(serial())号"),
    "signatory": .string("赵六"),
  ]
  return body(members, extra)
}

/// The body of `decline`.
/// - Parameter reasonCode: `not-competent`, `holds-no-information`, `forbidden-by-law`,
///   `state-secret` or `other`.
package func declineBody(
  reasonCode: String = "not-competent",
  reason: String = "该事项的登记档案由省级民政部门保管，本机关依法不掌握相关信息。",
  competentOrgan: Qidong? = nil, extra: [String: JSONBody] = [:]
) -> String {
  var members: [String: JSONBody] = [
    "reasonCode": .string(reasonCode), "reason": .string(reason), "signatory": .string("赵六"),
  ]
  if let competentOrgan { members["competentOrgan"] = .string(competentOrgan.code) }
  return body(members, extra)
}

private func body(_ members: [String: JSONBody], _ extra: [String: JSONBody]) -> String {
  let all = members.merging(extra) { _, new in new }.filter { !$0.value.isMissing }
  return JSONBody.object(all).description
}
