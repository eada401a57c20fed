/// Dates that are real days and cannot be meant.
extension AssistanceRequest {
  /// Of a new request: nobody is born tomorrow.
  static func dateFaults(_ submission: Submission, today: CalendarDate) -> [Fault] {
    guard let subject = submission.subject, subject.kind == .person, let born = ResidentID.birth(subject.idNumber),
      born > today
    else { return [] }
    let wrong = ResidentID.unborn(today)
    return [Fault("/subject/idNumber", wrong.zh, wrong.en)]
  }

  /// Of findings: the day as of which each holds.
  func dateFaults(of findings: [Finding]) -> [Fault] {
    findings.enumerated().compactMap { index, finding in
      guard finding.asOf.year < Finding.firstYear else { return nil }
      return Fault(
        "/findings/\(index)/asOf", "查询截至日期应在\(Finding.firstYear)年以后",
        "the day as of which it holds is not before \(Finding.firstYear)")
    }
  }
}

extension Finding {
  /// No register that an organ answers from goes back further.
  fileprivate static let firstYear = 1900
}

extension ResidentID {
  /// The date of birth in a number of the right length; nil of one that has none.
  static func birth(_ number: String) -> CalendarDate? {
    let bytes = Array(number.utf8)
    guard bytes.count == 18, let y = digits(bytes, 6, 4), let m = digits(bytes, 10, 2), let d = digits(bytes, 12, 2)
    else { return nil }
    return CalendarDate(year: y, month: m, day: d)
  }

  static func unborn(_ today: CalendarDate) -> Phrase {
    Phrase(
      "公民身份号码中的出生日期晚于当日 \(today)", "the date of birth in the resident id is after today, \(today)")
  }
}
