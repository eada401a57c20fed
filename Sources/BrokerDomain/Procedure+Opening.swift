/// What a procedure asks of a new request.
extension Procedure {
  /// Where the organ that is asked must stand, seen from the one that asks.
  package enum AnswererRegion: String, Sendable, CaseIterable {
    case any
    /// Within the region of the organ that asks, and not above it.
    case within
    /// Its region covers that of the organ that asks, or it is above it in the directory.
    case covering
  }

  package func mayBeOpened(by organ: Organ) -> Bool {
    switch openers {
    case .itself: true
    case .roles(let roles): roles.isEmpty || !roles.filter(organ.roles.contains).isEmpty
    }
  }

  /// - Parameters:
  ///   - item: whether one is named; likewise subject and questions.
  ///   - data: nil when it could not be read.
  ///   - to: the organ that is named or found, when the directory has it.
  package func faults(
    item: Bool, subject: Bool, questions: Bool, data: JSON?, to: Organ?, by requester: Organ, today: CalendarDate,
    reference: Reference
  ) -> [Fault] {
    var faults: [Fault] = []
    for (pointer, isThere, presence) in [
      ("/item", item, self.item), ("/subject", subject, self.subject), ("/questions", questions, self.questions),
    ] {
      switch presence {
      case .required where !isThere: faults.append(Fault(pointer, "必填", "is required"))
      case .none where isThere:
        faults.append(Fault(pointer, "“\(title.zh)”没有这一内容", "a request of \"\(title.en)\" has none"))
      default: break
      }
    }
    if let to { faults += answererFaults(to, by: requester, reference) }
    if let data {
      faults += self.faults(of: data, today: today) + halfYearFaults(data) + remoteFaults(data, today: today)
    }
    return faults
  }

  func mayBeAnswered(by organ: Organ, for requester: Organ, _ reference: Reference) -> Bool {
    hasRole(organ) && isInPlace(organ, for: requester, reference)
  }

  private func hasRole(_ organ: Organ) -> Bool {
    answerers.isEmpty || !answerers.filter(organ.roles.contains).isEmpty
  }

  private func isInPlace(_ organ: Organ, for requester: Organ, _ reference: Reference) -> Bool {
    switch answererRegion {
    case .any: true
    case .within:
      requester.region.covers(organ.region) && !reference.superiors(of: requester.code).contains(organ.code)
    case .covering:
      organ.region.covers(requester.region) || reference.superiors(of: requester.code).contains(organ.code)
    }
  }

  func answererFaults(_ to: Organ, by requester: Organ?, _ reference: Reference) -> [Fault] {
    guard openers != .itself else { return [] }
    guard hasRole(to) else {
      return [
        Fault("/to", code: "not-an-answerer", "“\(title.zh)”不由该机关办理", "\"\(title.en)\" is not for this organ to answer")
      ]
    }
    guard let requester, !isInPlace(to, for: requester, reference) else { return [] }
    return [
      answererRegion == .within
        ? Fault(
          "/to", code: "not-an-answerer", "“\(title.zh)”应向本行政区域内的机关提出，不得向上级机关提出",
          "\"\(title.en)\" goes to an organ within your own region, and not to one above you")
        : Fault(
          "/to", code: "not-an-answerer", "“\(title.zh)”应向管辖本机关所在地区的机关或者上级机关提出",
          "\"\(title.en)\" goes to an organ whose region covers yours, or to your superior")
    ]
  }

  /// Organs that are told of everything besides the parties: those with the roles that it names, in the region of the
  /// organ that answers.
  func copied(_ responder: Organ, _ reference: Reference) -> [OrganCode] {
    guard !copies.isEmpty else { return [] }
    return reference.organs.filter { organ in
      organ.code != responder.code && organ.region.covers(responder.region)
        && !copies.filter(organ.roles.contains).isEmpty
    }.map(\.code)
  }

  /// A date or half year by which the deadline would be found, and that nobody lives to see.
  func remoteFaults(_ data: JSON, today: CalendarDate) -> [Fault] {
    let (field, year): (String, Int?) =
      switch clock {
      case .statedDate(let field, _, _): (field, data[field]?.stringValue.flatMap { CalendarDate($0) }?.year)
      case .fixedDates(_, _, let field?): (field, data[field]?.stringValue.flatMap { HalfYear($0) }?.year)
      case .fixedDates, .workingDays, .acknowledge: ("", nil)
      }
    let last = today.year + Self.maximumYearsAhead
    guard let year, year > last, Field.years.contains(year) else { return [] }
    return [
      Fault(
        "/data/\(field)", "期限依此确定，不得晚于\(last)年",
        "the deadline goes by it: the year is \(last) at the latest")
    ]
  }

  /// A half year that fits the pattern and cannot be meant: by its year the deadline is found.
  private func halfYearFaults(_ data: JSON) -> [Fault] {
    guard case .fixedDates(_, _, let field?) = clock, let text = data[field]?.stringValue, HalfYear.isWritten(text),
      HalfYear(text) == nil
    else { return [] }
    let years = Field.years
    return [
      Fault(
        "/data/\(field)", "年份应在\(years.lowerBound)至\(years.upperBound)之间",
        "the year is from \(years.lowerBound) to \(years.upperBound)")
    ]
  }
}
