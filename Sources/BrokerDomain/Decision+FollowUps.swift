/// A request that the broker opened because of another.
package struct Opened: Sendable {
  package let decision: Decision
  package let subject: Subject?
}

extension Decision {
  /// The decision with what it obliges the broker to open. What cannot be opened stays on offer, with the reason.
  /// - Parameter newID: of a new request.
  package func opening(
    subject: Subject?, now: Instant, reference: Reference, newID: () throws -> EntityID
  ) rethrows -> (Decision, [Opened]) {
    var decision = self
    var opened: [Opened] = []
    var told: [JSON] = []
    for owed in owes where owed.next.how == .opens {
      let id = try newID()
      var link = FollowUp(
        procedure: owed.next.procedure, how: .opens, isSealed: reference.isSealed(owed.next.procedure))
      do throws(Phrase) {
        let new = try request.open(owed, subject: subject, id: id, now: now, reference: reference)
        link.request = id
        link.to = new.decision.request.responder
        opened.append(new)
      } catch {
        link = FollowUp(procedure: link.procedure, how: .offers, reason: error, isSealed: link.isSealed)
      }
      decision.request.progress.followUps.append(link)
      // An event is read by all who are told of the request.
      if !link.isSealed { told.append(link.json) }
    }
    if !told.isEmpty { decision.event.data = event.data.merged(.object([.init("followUps", .array(told))])) }
    return (decision, opened)
  }
}

extension FollowUp {
  fileprivate var json: JSON {
    .object([
      .init("procedure", .string(procedure)), .init("how", .string(how.rawValue)),
      .init("request", request.map { .string($0.description) } ?? .null),
      .init(
        "reason",
        reason.map { .object([.init("zh", .string($0.zh)), .init("en", .string($0.en))]) } ?? .null),
    ])
  }
}

extension AssistanceRequest {
  fileprivate func open(
    _ owed: Owed, subject: Subject?, id: EntityID, now: Instant, reference: Reference
  ) throws(Phrase) -> Opened {
    guard let target = reference.procedures[owed.next.procedure] else {
      throw Phrase("现已没有程序“\(owed.next.procedure)”", "there is no procedure \"\(owed.next.procedure)\" any more")
    }
    guard let organ = reference.organ(requester) else {
      throw Phrase("机关目录中没有本机关", "your organ is not in the directory")
    }
    let about = target.subject == .none ? nil : subject
    let submission = Submission(
      procedure: target.id, item: carried(to: target, reference),
      to: target.openers == .itself ? nil : try receiver(owed.next, target, of: organ, reference), subject: about,
      // Nobody of the organ that answered has signed what another one opens.
      content: content.following(
        data: .object(fields(owed)), signatory: requester == responder ? state.answer?.signatory : nil))
    do throws(Refusal) {
      let decision = try Self.submit(
        submission, by: organ, id: id, now: now, reference: reference, origin: self.id)
      return Opened(decision: decision, subject: about)
    } catch {
      throw error.reason
    }
  }

  /// An item that has left the organ's list meanwhile stays behind where none is needed.
  private func carried(to target: Procedure, _ reference: Reference) -> String? {
    switch target.item {
    case .none: nil
    case .required: item
    case .optional: item.flatMap { reference.item($0, for: requester) == nil ? nil : $0 }
    }
  }

  private func fields(_ owed: Owed) -> [JSON.Member] {
    owed.next.fills.compactMap { fill in
      fill.sources.lazy.compactMap { value(of: $0, owed) }.first.map { JSON.Member(fill.field, $0) }
    }
  }

  /// Nil where there is none.
  private func value(of source: Procedure.Next.Source, _ owed: Owed) -> JSON? {
    let value: JSON? =
      switch source {
      case .id: .string(id.description)
      case .text: owed.text.map(JSON.string)
      case .request(let name): data[name]
      case .answer(let name): state.answer?.data[name]
      case .disposal(let name): owed.given[name]
      case .constant(let text): .string(text)
      }
    return value.flatMap { $0.isNull ? nil : $0 }
  }

  /// The organ of the requesting organ's region that may answer, if there is exactly one; of several regions that cover
  /// it the smallest.
  private func receiver(
    _ next: Procedure.Next, _ target: Procedure, of organ: Organ, _ reference: Reference
  ) throws(Phrase) -> OrganCode {
    func mayReceive(_ other: Organ) -> Bool {
      other.region.covers(organ.region) && target.mayBeAnswered(by: other, for: organ, reference)
        && next.receiver.map { other.name.hasSuffix($0) } ?? true
    }
    let all = reference.organs.filter { $0.code != organ.code && mayReceive($0) }
    let nearest = all.filter { one in all.allSatisfy { $0.region.covers(one.region) } }
    guard let only = nearest.first else {
      // What owes it is settled by now; another organ is named where it is opened by hand.
      if mayReceive(organ) {
        throw Phrase(
          "机关目录中可以办理“\(target.title.zh)”的只有本机关，不能向本机关提出，请依法自行办理；应由其他机关办理的，请自行提出并在 to 中指明接收机关",
          "by the directory your organ itself is the one that answers \"\(target.title.en)\", and it cannot be opened to itself:"
            + " see to it yourself, or open it and name another organ in `to`")
      }
      throw Phrase(
        "机关目录中没有可以办理“\(target.title.zh)”的机关", "the directory has no organ that answers \"\(target.title.en)\"")
    }
    guard nearest.count == 1 else {
      throw Phrase(
        "机关目录中有\(nearest.count)个机关可以办理“\(target.title.zh)”，请自行提出并指明接收机关",
        "\(nearest.count) organs may answer \"\(target.title.en)\"; open it by yourself and name one")
    }
    return only.code
  }
}

extension Refusal {
  /// Why a request could not be opened on an organ's behalf.
  fileprivate var reason: Phrase {
    switch self {
    case .faults(let faults):
      Phrase(
        "未能自动提出，请自行提出：" + faults.map { "\($0.pointer) \($0.detail.zh)" }.joined(separator: "；"),
        "it could not be opened by itself: " + faults.map { "\($0.pointer) \($0.detail.en)" }.joined(separator: "; "))
    case .mayNotOpen(let title): Phrase("“\(title.zh)”不由本机关提出", "\"\(title.en)\" is not for your organ to open")
    case .illegalTransition, .notYours, .notAllowed, .staleVersion:
      Phrase("未能自动提出，请自行提出", "it could not be opened by itself; open it")
    }
  }
}

extension AssistanceRequest {
  /// What is wrong with the fields that are given with a disposal of this measure.
  package func faults(
    of data: JSON, disposedBy measure: Disposal.Measure, now: Instant, reference: Reference
  ) -> [Fault] {
    guard let procedure = reference.procedure(of: self) else { return [] }
    return Law(procedure, calendarRegion(reference), reference).faults(of: data, with: measure, now: now)
  }

  /// What is wrong with the date by which something has to be put right: nobody can do it yesterday, and a request that
  /// is disposed of is closed for good.
  package static func faults(disposedBy date: CalendarDate?, now: Instant) -> [Fault] {
    guard let wrong = date.flatMap({ Procedure.Field.wrong($0.description, .future, now.date) }) else { return [] }
    return [Fault("/by", wrong.zh, wrong.en)]
  }
}

extension Law {
  /// What is wrong with the fields that are given with a disposal: they are those of what it opens.
  func faults(of data: JSON, with measure: Disposal.Measure, now: Instant) -> [Fault] {
    guard !data.members.isEmpty else { return [] }
    guard let next = procedure.next(of: measure), next.how == .opens,
      let target = reference.procedures[next.procedure]
    else { return Procedure.faults(of: data, fields: [], at: "/data") }
    let fields = target.fields.compactMap { field -> Procedure.Field? in
      guard let fill = next.fills.first(where: { $0.field == field.name }),
        fill.sources.contains(.disposal(field.name))
      else { return nil }
      // What may come from elsewhere need not be given.
      return field.required(field.required && fill.sources.count == 1)
    }
    return Procedure.faults(of: data, fields: fields, at: "/data", today: now.date)
  }
}
