/// What a procedure asks of a new request.
extension Procedure {
  package func mayBeOpened(by organ: Organ) -> Bool {
    switch openers {
    case .itself: true
    case .roles(let roles): roles.isEmpty || !roles.filter(organ.roles.contains).isEmpty
    }
  }

  /// - Parameters:
  ///   - item: whether one is named; likewise subject and questions.
  ///   - data: nil when it could not be read.
  ///   - to: the organ that is named, when the directory has it.
  package func faults(
    item: Bool, subject: Bool, questions: Bool, data: JSON?, to: Organ?, today: CalendarDate
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
    if let to { faults += answererFaults(to) }
    if let data { faults += self.faults(of: data, today: today) }
    return faults
  }

  func mayBeAnswered(by organ: Organ) -> Bool {
    answerers.isEmpty || !answerers.filter(organ.roles.contains).isEmpty
  }

  func answererFaults(_ to: Organ) -> [Fault] {
    guard openers != .itself, !mayBeAnswered(by: to) else { return [] }
    return [
      Fault("/to", code: "not-an-answerer", "“\(title.zh)”不由该机关办理", "\"\(title.en)\" is not for this organ to answer")
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
}
