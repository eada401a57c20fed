extension EventType {
  /// What the requester waits for: an answer, a refusal, or its request back.
  package var isResult: Bool { self == .answered || self == .declined || self == .returned }
}

extension StateName {
  /// The request stands as such a result has left it.
  package var isResult: Bool { self == .answered || self == .declined || self == .returned }
}

/// Until when a result has to reach the requester, and when somebody has to see to it that it does.
package struct DeliverBy: Sendable, Equatable {
  package let needed: CalendarDate
  /// In office hours: it is for people.
  package let alertAt: Instant
}

extension WorkingCalendar {
  /// A requester counts on a result by the request's own due date. When there are not two working days left to it, or
  /// none, it needs the result two working days after the answer. One working day before that it is time to call.
  /// - Parameter region: of the requester, whose people are called.
  package func deliverBy(due: CalendarDate, resultAt: Instant, region: RegionCode?) -> DeliverBy {
    let needed = max(due, workingDay(2, from: resultAt.date, region: region))
    let day = workingDay(-1, from: needed, region: region)
    return DeliverBy(needed: needed, alertAt: officeMoment(from: day.midnight, region: region))
  }
}

/// What the requester's contact reads of a result that did not reach it, without anything about the subject.
package func undeliveredNotice(title: Phrase, answerer: String, needed: CalendarDate, provisional: Bool) -> Phrase {
  let mark = Phrase.mark(provisional: provisional)
  return Phrase(
    "请联络员查收：\(answerer)对“\(title.zh)”已有结果（答复、告知不能协助或者退回），回调一直未能送达，请于 \(needed)\(provisional ? mark.zh : " ")前通过接口查收，并检查接收地址",
    "for the contact: there is a result of \"\(title.en)\" from \(answerer) (an answer, a decline or a return), and the callback does not get through; read it by \(needed)\(mark.en), and look after the endpoint"
  )
}
