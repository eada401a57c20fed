/// How progress is kept in its column, and shown: the same members, so that reading back is the only thing to get right.
extension Progress {
  /// Nil when nothing has happened: nearly always.
  package var encoded: [UInt8]? {
    guard self != .none else { return nil }
    var w = JSONWriter(capacity: 256)
    w.object { w in
      w.int("leg", leg)
      if let clockFrom { w.int("clockFrom", clockFrom.milliseconds) }
      if bindsSender { w.string("binds", Procedure.Bound.sender.rawValue) }
      if runsOn { w.bool("runsOn", true) }
      if let metAt { w.int("metAt", metAt.milliseconds) }
      if let concludedAt { w.int("concludedAt", concludedAt.milliseconds) }
      if let recused { w.string("recused", recused.description) }
      write(
        &w, moment: { w, name, at in w.int(name, at.milliseconds) },
        organ: { w, name, code in w.string(name, code.description) })
      encodeLinks(&w)
    }
    return w.finish()
  }

  /// The members that a representation shows. `moment` and `organ` say how those two are written, `disposalText` whether
  /// the reader is to see that of the disposal.
  package func write(
    _ w: inout JSONWriter, moment: (inout JSONWriter, StaticString, Instant) -> Void,
    organ: (inout JSONWriter, StaticString, OrganCode) -> Void, disposalText: Bool = true
  ) {
    if let supplement {
      w.object("supplement") { w in
        w.string("text", supplement.text)
        moment(&w, "askedAt", supplement.askedAt)
        w.int("usedWorkingDays", supplement.used)
        if let supplied = supplement.supplied {
          w.object("supplied") { w in
            w.string("text", supplied.text)
            if let data = supplied.data { w.value("data", data) }
            moment(&w, "at", supplied.at)
          }
        } else {
          w.null("supplied")
        }
      }
    }
    if let extended {
      w.object("extension") { w in
        w.int("workingDays", extended.workingDays)
        w.string("reason", extended.reason)
        w.string("approver", extended.approver)
        moment(&w, "at", extended.at)
      }
    }
    if let returned {
      w.object("return") { w in
        w.string("reason", returned.reason)
        if let competent = returned.competentOrgan { w.string("competentOrgan", competent) }
        moment(&w, "at", returned.at)
      }
    }
    if !transfers.isEmpty {
      w.array("transfers") { w in
        for transfer in transfers {
          w.object { w in
            organ(&w, "from", transfer.from)
            organ(&w, "to", transfer.to)
            w.string("reason", transfer.reason)
            if let ruledBy = transfer.ruledBy { organ(&w, "ruledBy", ruledBy) }
            if transfer.kept { w.bool("kept", true) }
            moment(&w, "at", transfer.at)
          }
        }
      }
    }
    if let referral {
      w.object("referral") { w in
        organ(&w, "to", referral.to)
        organ(&w, "proposed", referral.proposed)
        w.string("reason", referral.reason)
        moment(&w, "at", referral.at)
      }
    }
    if let disposal {
      w.object("disposal") { w in
        w.string("measure", disposal.measure.rawValue)
        if let by = disposal.by { w.string("by", by.description) }
        if disposalText { w.string("text", disposal.text) }
        moment(&w, "at", disposal.at)
      }
    }
  }

  /// Nil when the column does not hold what `encoded` wrote: the row was damaged.
  package init?(encoded: [UInt8]?) {
    self.init()
    guard let encoded else { return }
    guard let json = try? JSON.parse(encoded), let leg = json["leg"]?.intValue else { return nil }
    self.leg = leg
    clockFrom = json["clockFrom"]?.instant
    bindsSender = json["binds"]?.stringValue == Procedure.Bound.sender.rawValue
    runsOn = json["runsOn"]?.boolValue == true
    metAt = json["metAt"]?.instant
    concludedAt = json["concludedAt"]?.instant
    recused = json["recused"]?.organ
    if let s = json["supplement"] {
      guard let text = s["text"]?.stringValue, let at = s["askedAt"]?.instant, let used = s["usedWorkingDays"]?.intValue
      else { return nil }
      supplement = Supplement(text: text, askedAt: at, used: used, supplied: nil)
      if let text = s["supplied"]?["text"]?.stringValue, let at = s["supplied"]?["at"]?.instant {
        supplement?.supplied = Supply(text: text, data: s["supplied"]?["data"], at: at)
      }
    }
    if let e = json["extension"] {
      guard let days = e["workingDays"]?.intValue, let reason = e["reason"]?.stringValue,
        let approver = e["approver"]?.stringValue, let at = e["at"]?.instant
      else { return nil }
      extended = Extension(workingDays: days, reason: reason, approver: approver, at: at)
    }
    if let r = json["return"] {
      guard let reason = r["reason"]?.stringValue, let at = r["at"]?.instant else { return nil }
      returned = Return(reason: reason, competentOrgan: r["competentOrgan"]?.stringValue, at: at)
    }
    for t in json["transfers"]?.arrayValue ?? [] {
      guard let from = t["from"]?.organ, let to = t["to"]?.organ, let reason = t["reason"]?.stringValue,
        let at = t["at"]?.instant
      else { return nil }
      let kept = t["kept"]?.boolValue == true
      transfers.append(Transfer(from: from, to: to, reason: reason, at: at, ruledBy: t["ruledBy"]?.organ, kept: kept))
    }
    if let r = json["referral"] {
      guard let to = r["to"]?.organ, let proposed = r["proposed"]?.organ, let reason = r["reason"]?.stringValue,
        let at = r["at"]?.instant
      else { return nil }
      referral = Referral(to: to, proposed: proposed, reason: reason, at: at)
    }
    if let d = json["disposal"] {
      guard let measure = d["measure"]?.stringValue.flatMap(Disposal.Measure.init(rawValue:)),
        let text = d["text"]?.stringValue, let at = d["at"]?.instant
      else { return nil }
      disposal = Disposal(measure: measure, by: d["by"]?.stringValue.flatMap { CalendarDate($0) }, text: text, at: at)
    }
    guard decodeLinks(json) else { return nil }
  }
}

extension JSON {
  var instant: Instant? { intValue.map { Instant(milliseconds: Int64($0)) } }
  var organ: OrganCode? { stringValue.flatMap { try? OrganCode($0) } }
}
