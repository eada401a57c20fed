/// A request as departments see it: the body of `GET /v1/requests/{id}` and of full callbacks.
package struct Representation: Sendable {
  package let request: AssistanceRequest
  package let subject: Subject?
  /// Shows the subject's id number unmasked; the caller has recorded the read.
  package let reveal: Bool
  let standing: Standing
  package let reference: Reference
  /// Who reads it; nil when it is told to all whom the request concerns.
  package let viewer: OrganCode?
  /// Whose own words are left in although a sealed procedure has them.
  let author: OrganCode?

  /// - Parameter author: the organ to which it is told, where all are told the same; left out, it is the viewer.
  package init(
    _ request: AssistanceRequest, subject: Subject?, reveal: Bool = false, now: Instant,
    reference: Reference, viewer: OrganCode? = nil, author: OrganCode? = nil
  ) {
    self.viewer = viewer
    self.author = author ?? viewer
    self.request = request
    self.subject = subject
    self.reveal = reveal
    standing = Standing(
      of: request, now: now, calendar: reference.calendar(of: request), region: request.countedRegion(reference))
    self.reference = reference
  }

  /// - Parameter standing: of the request by the same reference.
  package init(
    _ request: AssistanceRequest, subject: Subject?, standing: Standing, reference: Reference, viewer: OrganCode
  ) {
    (self.request, self.subject, self.standing, self.reference) = (request, subject, standing, reference)
    (self.viewer, author, reveal) = (viewer, viewer, false)
  }

  package var bytes: [UInt8] {
    var w = JSONWriter(capacity: 2048)
    w.object { members(&$0) }
    return w.finish()
  }

  /// The members without the braces.
  package func members(_ w: inout JSONWriter) {
    w.id("id", request.id)
    w.int("version", request.version)
    w.string("procedure", request.procedure)
    w.string("state", request.state.name.rawValue)
    w.object("from") { party(request.requester, &$0) }
    w.object("to") { party(request.responder, &$0) }
    Self.write(item: request.item, at: request.receivedAt, reference, &w)
    w.moment("receivedAt", request.receivedAt)
    w.moment("updatedAt", request.updatedAt)
    w.moment("closedAt", request.closedAt)
    w.object("due") { due(&$0) }
    if let subject {
      Self.write(subject, reveal: reveal, &w)
    } else {
      w.null("subject")
    }
    if request.progress.supplement?.supplied?.data != nil {
      w.splice(request.content.with(data: request.data).members)
    } else {
      w.splice(request.content.members)
    }
    outcome(&w)
    links(&w)
    w.object("links") { w in
      w.id("self", request.id, after: "/v1/requests/")
      w.id("timeline", request.id, after: "/v1/requests/", before: "/timeline")
      w.id("deadline", request.id, after: "/v1/requests/", before: "/deadline")
    }
  }

  private func party(_ code: OrganCode, _ w: inout JSONWriter) {
    w.string("code", code.description)
    w.string("name", reference.organ(code)?.name)
  }

  /// The member `item` with what the list said of it at a moment; null without one.
  package static func write(
    item code: String?, at moment: Instant, _ reference: Reference, _ w: inout JSONWriter
  ) {
    guard let code else { return w.null("item") }
    let item = reference.item(code, at: moment)
    w.object("item") { w in
      w.string("code", code)
      w.string("proof", item?.proof)
      w.string("matter", item?.matter)
    }
  }

  package func due(_ w: inout JSONWriter) {
    let deadline = request.deadline
    w.moment("at", deadline.at)
    w.date("date", deadline.date)
    w.int("workingDays", deadline.workingDays)
    w.int("remaining", standing.remaining)
    w.string("status", standing.status.rawValue)
    w.bool("overdue", standing.isOverdue)
    w.bool("provisional", deadline.provisional)
    if request.progress.bindsSender { w.string("binds", Procedure.Bound.sender.rawValue) }
  }

  private func outcome(_ w: inout JSONWriter) {
    let at = request.closedAt ?? request.updatedAt
    if let answer = request.state.answer {
      w.object("answer") { w in
        let hidden = sealedWords(of: answer)
        answer.write(&w, without: hidden.fields, text: !hidden.text)
        w.moment("at", at)
        w.bool("late", standing.isReplyLate)
      }
    } else {
      w.null("answer")
    }
    if let decline = request.state.decline {
      w.object("decline") { w in
        decline.write(&w)
        w.moment("at", at)
      }
    } else {
      w.null("decline")
    }
    if case .withdrawn(let withdrawal) = request.state {
      w.object("withdrawal") { w in
        w.string("reason", withdrawal.reason)
        w.moment("at", at)
      }
    } else {
      w.null("withdrawal")
    }
    if let acknowledgement = request.acknowledgement {
      w.object("acknowledgement") { w in
        if let officer = acknowledgement.officer { w.string("officer", officer) }
        w.moment("at", acknowledgement.at)
      }
    } else {
      w.null("acknowledgement")
    }
    detours(&w)
  }
}

extension Representation {
  /// What happened on the way; null or empty for most.
  private func detours(_ w: inout JSONWriter) {
    let progress = request.progress
    for (name, isThere): (StaticString, Bool) in [
      ("supplement", progress.supplement != nil), ("extension", progress.extended != nil),
      ("return", progress.returned != nil), ("referral", progress.referral != nil),
      ("disposal", progress.disposal != nil),
    ] where !isThere {
      w.null(name)
    }
    if progress.transfers.isEmpty { w.array("transfers") { _ in } }
    progress.write(
      &w, moment: { w, name, at in w.moment(name, at) },
      organ: { w, name, code in w.object(name) { party(code, &$0) } }, disposalText: !isDisposalSealed)
  }
}

extension Representation {
  /// What it follows, what follows from it, and what has undone it.
  private func links(_ w: inout JSONWriter) {
    w.id("origin", request.progress.origin)
    w.array("followUps") { w in
      for link in request.followUps(reference) where request.shows(link, to: viewer) {
        w.object { w in
          w.string("procedure", link.procedure)
          w.string("how", link.how.rawValue)
          w.id("request", link.request)
          if let reason = link.reason { w.phrase("reason", reason) }
        }
      }
    }
    if let reversal = request.progress.reversal {
      w.object("reversed") { w in
        let isShown = viewer.map { reversal.isShown(to: $0, reference) } ?? request.isShownToBoth(reversal)
        w.id("by", isShown ? reversal.by : nil)
        w.moment("at", reversal.at)
      }
    } else {
      w.null("reversed")
    }
  }
}

extension Representation {
  private static let noSubject = Array("\"subject\":null".utf8)

  /// Puts a masked subject where a representation without one has null. The first occurrence is the member itself:
  /// nothing before it in the representation can hold these bytes unescaped.
  package static func restore(_ subject: Subject, in body: [UInt8]) -> [UInt8] {
    var at = 0
    while at + noSubject.count <= body.count {
      if body[at] == noSubject[0], body[at..<(at + noSubject.count)].elementsEqual(noSubject) {
        var w = JSONWriter(capacity: 256)
        write(subject, reveal: false, &w)
        return Array(body[..<at]) + w.finish() + body[(at + noSubject.count)...]
      }
      at += 1
    }
    return body
  }

  fileprivate static func write(_ subject: Subject, reveal: Bool, _ w: inout JSONWriter) {
    w.object("subject") { w in
      w.string("kind", subject.kind.rawValue)
      w.string("name", subject.name)
      w.string("idType", subject.idType)
      if reveal { w.string("idNumber", subject.idNumber) } else { w.masked("idNumber", subject.idNumber) }
    }
  }
}
