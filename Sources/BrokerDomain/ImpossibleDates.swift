/// Dates that are real days and cannot be meant: nothing was promised, found or born tomorrow, and nothing is put right
/// by yesterday.
extension AssistanceRequest {
  /// Of a new request: the day of the commitment, and the day of birth in the subject's number.
  static func dateFaults(_ submission: Submission, today: CalendarDate) -> [Fault] {
    var faults: [Fault] = []
    if let signed = submission.content.commitment?.signedOn, signed > today {
      faults.append(
        Fault(
          "/commitment/signedOn", "承诺书的签署日期不能晚于当日 \(today)", "a commitment is not signed after today, \(today)"))
    }
    if let subject = submission.subject, subject.kind == .person, let born = ResidentID.birth(subject.idNumber),
      born > today
    {
      let wrong = ResidentID.unborn(today)
      faults.append(Fault("/subject/idNumber", wrong.zh, wrong.en))
    }
    return faults
  }

  /// Of findings: the day as of which each holds.
  func dateFaults(of findings: [Finding], today: CalendarDate) -> [Fault] {
    findings.enumerated().compactMap { index, finding in
      guard finding.asOf > today || finding.asOf.year < Finding.firstYear else { return nil }
      return Fault(
        "/findings/\(index)/asOf", "查询截至日期应在\(Finding.firstYear)年至当日 \(today)之间",
        "the day as of which it holds is from \(Finding.firstYear) to today, \(today)")
    }
  }

  /// Of a disposal: until when something is to be put right.
  func dateFaults(of command: Command.Dispose, today: CalendarDate) -> [Fault] {
    guard let by = command.by, by < today else { return [] }
    return [Fault("/by", "期限不能早于当日 \(today)", "the date must not be before today, \(today)")]
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
