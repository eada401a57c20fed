/// A finding as far as a body could be read: nil is missing or unreadable, and a fault of its own already.
package struct FindingDraft: Sendable {
  let question: String?
  let result: String?

  package init(question: String?, result: String?) {
    self.question = question
    self.result = result
  }
}

/// What the request and its procedure have against a reply. The rules judge whole commands and, so that whoever sent a
/// faulty body learns everything at once, what could be read of one.
extension AssistanceRequest {
  /// Every question is answered once, with an outcome that the procedure knows.
  package func faults(of findings: [FindingDraft], reference: Reference) -> [Fault] {
    var faults: [Fault] = []
    // Byte by byte, as whoever joins them by the id will compare: for a `String`, 豈 at U+8C48 and at U+F900 are one.
    let questions = content.questionIDs
    let ids = questions.map { Array($0.utf8) }
    let outcomes = reference.procedure(of: self)?.outcomes.map(\.id) ?? []
    var seen: Set<[UInt8]> = []
    for (index, finding) in findings.enumerated() {
      let pointer = "/findings/\(index)"
      if let question = finding.question {
        if !ids.contains(Array(question.utf8)) {
          faults.append(
            Fault(
              pointer + "/question", "没有问题“\(question)”；应为：\(questions.joined(separator: "、"))",
              "there is no question \"\(question)\"; the questions are \(questions.joined(separator: ", "))"))
        } else if !seen.insert(Array(question.utf8)).inserted {
          faults.append(
            Fault(
              pointer + "/question", "问题“\(question)”答复了两次",
              "the question \"\(question)\" is answered twice"))
        }
      }
      if let result = finding.result, !outcomes.contains(result) {
        faults.append(
          Fault(
            pointer + "/result", "结果应为 \(outcomes.joined(separator: "、")) 之一",
            "the result is one of \(outcomes.joined(separator: ", "))"))
      }
    }
    // A finding whose question cannot be read may be the one that seems to be wanting.
    guard findings.allSatisfy({ $0.question != nil }) else { return faults }
    for question in questions where !seen.contains(Array(question.utf8)) {
      faults.append(
        Fault(
          "/findings", "问题“\(question)”没有答复", "the question \"\(question)\" has no finding"))
    }
    return faults
  }

  /// - Parameters:
  ///   - id: of the outcome; nil when it could not be read, likewise `data`.
  ///   - procedure: under which the request was opened.
  package func faults(outcome id: String?, data: JSON?, now: Instant, _ procedure: Procedure) -> [Fault] {
    let start = procedure.clockStart(receivedAt: receivedAt, data: content.data)
    return procedure.faults(
      outcome: id, data: data, today: now.date, floors: [.receipt: receivedAt.date, .clock: start.date])
  }

  /// - Parameters:
  ///   - reasonCode: nil when it could not be read.
  ///   - competentOrgan: nil when there is none, or it could not be read.
  package func faults(reasonCode: String?, competentOrgan: String?, reference: Reference) -> [Fault] {
    var faults: [Fault] = []
    let codes = reference.procedure(of: self)?.declineReasons.map(\.id) ?? []
    if let reasonCode, !codes.isEmpty, !codes.contains(reasonCode) {
      faults.append(
        Fault(
          "/reasonCode",
          "理由代码应为 \(codes.joined(separator: "、")) 之一；人手不足、系统故障、材料不全不是不能协助的理由",
          "the reason code is one of \(codes.joined(separator: ", ")); lack of staff, a broken system or missing particulars are no reason to decline"
        ))
    }
    return faults + self.faults(competentOrgan: competentOrgan)
  }

  /// A code with a slip, or the organ itself; a name is left alone.
  func faults(competentOrgan: String?) -> [Fault] {
    var faults: [Fault] = []
    if let competentOrgan, competentOrgan.looksLikeCode {
      do throws(Phrase) {
        if try OrganCode(competentOrgan) == responder {
          faults.append(
            Fault(
              "/competentOrgan", code: "same-organ", "有权机关不能是本机关",
              "the competent organ cannot be the organ itself"))
        }
      } catch {
        faults.append(Fault("/competentOrgan", error.zh, error.en))
      }
    }
    return faults
  }
}

/// A reason has to say something: a word or two, a row of signs, a number or one letter over and over is no statement of
/// reasons (说明理由).
package enum StatedReason {
  private static let shortest = 4
  private static let fewestLetters = 2

  /// Neither signs nor blanks say anything; a Han character is a letter.
  package static func faults(_ reason: String) -> [Fault] {
    let said = reason.filter { ($0.isLetter || $0.isNumber) && !String($0).isInvisible }
    let letters = said.lazy.filter(\.isLetter).prefix(fewestLetters).count
    let isSaid = said.count >= shortest && letters == fewestLetters && said.contains { $0 != said.first }
    return isSaid
      ? []
      : [
        Fault(
          "/reason", "应具体说明理由：至少\(shortest)个文字或数字，其中文字至少\(fewestLetters)个，不能全是同一个字；标点和空白不计",
          "the reason must say why: at least \(shortest) letters or digits, \(fewestLetters) of them letters and not all the"
            + " same; signs and blanks are not counted")
      ]
  }
}

extension String {
  /// Eighteen letters and digits: a code with a slip, rather than the name of an organ ("Ministry of Health").
  fileprivate var looksLikeCode: Bool {
    utf8.count == 18 && allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
  }
}
