/// What happened on the day from which a clock counts, as the 算式 says it.
package enum CountingStart: Sendable, Equatable {
  case receipt
  /// The date that a field of the request holds, by the label of the field.
  case field(Phrase)
  case supplied
  case transferred
  /// A superior ruled that the organ which had returned it handles it.
  case ruled
  /// No days are counted: this date was named, in the field of this label where there is one.
  case named(CalendarDate, Phrase?)

  func head(_ at: Instant) -> Phrase {
    switch self {
    case .receipt, .named: Phrase("收到 \(at.rfc3339)", "received \(at.rfc3339)")
    case .field(let label): Phrase("\(label.zh) \(at.date)", "\(label.en): \(at.date)")
    case .supplied: Phrase("补正之日 \(at.rfc3339)", "supplied \(at.rfc3339)")
    case .transferred: Phrase("移送之日 \(at.rfc3339)", "transferred \(at.rfc3339)")
    case .ruled: Phrase("裁定之日 \(at.rfc3339)", "ruled \(at.rfc3339)")
    }
  }
}

extension WorkingCalendar {
  /// The date, where it went because it is no working day, and how much time that left.
  func named(
    _ date: CalendarDate, _ label: Phrase?, from start: Instant, _ deadline: Deadline, _ provisional: Phrase
  ) -> Phrase {
    let label = label.map { Phrase("（\($0.zh)）", " (\($0.en))") } ?? Phrase("", "")
    let roll =
      if deadline.date == date {
        Phrase("为工作日", "is a working day")
      } else if deadline.date > date {
        Phrase("非工作日，顺延至 \(deadline.date)", "is no working day and moves forward to \(deadline.date)")
      } else {
        Phrase("非工作日，提前至 \(deadline.date)", "is no working day and moves back to \(deadline.date)")
      }
    return Phrase(
      "限期之日 \(date)\(label.zh)，\(roll.zh)，自 \(start.rfc3339) 的次日起至届满日 \(deadline.date) 共\(deadline.workingDays)个工作日，截至 \(deadline.at.rfc3339)（不含）\(provisional.zh)",
      "the date set\(label.en), \(date), \(roll.en); \(deadline.workingDays) working days from the day after \(start.rfc3339) to the last day \(deadline.date); until \(deadline.at.rfc3339) exclusive\(provisional.en)"
    )
  }
}

extension AssistanceRequest {
  /// Where its present clock began.
  package func countingStart(_ reference: Reference) -> CountingStart {
    guard let procedure = reference.procedure(of: self) else { return .receipt }
    func label(_ name: String) -> Phrase? { procedure.fields.first { $0.name == name }?.label }
    if isDueOnDate(procedure),
      let named = procedure.namedDate(
        receivedAt: receivedAt, data: data, region: countedRegion(reference), calendar: reference.calendar(of: self))
    {
      guard case .statedDate(let field, _, _) = procedure.clock else { return .named(named.date, nil) }
      return .named(named.date, label(field))
    }
    guard let start = progress.clockFrom else { return .receipt }
    if progress.supplement?.supplied?.at == start { return .supplied }
    if let move = progress.transfers.last(where: { $0.at == start && !$0.kept }) {
      return move.from == move.to ? .ruled : .transferred
    }
    guard case .workingDays(_, .field(let name)) = procedure.clock, let label = label(name) else { return .receipt }
    return .field(label)
  }
}
