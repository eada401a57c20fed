/// How the links of a request to others are kept in its progress.
extension Progress {
  func encodeLinks(_ w: inout JSONWriter) {
    if let origin { w.string("origin", origin.description) }
    if let reversal {
      w.object("reversal") { w in
        w.string("by", reversal.by.description)
        w.int("at", reversal.at.milliseconds)
        w.array("of") { w in for party in reversal.parties { w.string(nil, party.description) } }
        if reversal.isSealed { w.bool("sealed", true) }
      }
    }
    guard !followUps.isEmpty else { return }
    w.array("followUps") { w in
      for link in followUps {
        w.object { w in
          w.string("procedure", link.procedure)
          w.string("how", link.how.rawValue)
          if let request = link.request { w.string("request", request.description) }
          if let to = link.to { w.string("to", to.description) }
          if let reason = link.reason { w.phrase("reason", reason) }
          if link.isSealed { w.bool("sealed", true) }
        }
      }
    }
  }

  /// - Returns: false when they were damaged.
  mutating func decodeLinks(_ json: JSON) -> Bool {
    if let text = json["origin"]?.stringValue {
      guard let id = EntityID(text) else { return false }
      origin = id
    }
    if let r = json["reversal"] {
      guard let by = r["by"]?.stringValue.flatMap({ EntityID($0) }), let at = r["at"]?.instant else { return false }
      reversal = Reversal(
        by: by, at: at, parties: (r["of"]?.arrayValue ?? []).compactMap(\.organ), isSealed: r["sealed"] == .bool(true))
    }
    for l in json["followUps"]?.arrayValue ?? [] {
      guard let procedure = l["procedure"]?.stringValue,
        let how = l["how"]?.stringValue.flatMap(Procedure.Next.How.init(rawValue:))
      else { return false }
      var reason: Phrase?
      if let r = l["reason"] { reason = Phrase(r["zh"]?.stringValue ?? "", r["en"]?.stringValue ?? "") }
      followUps.append(
        FollowUp(
          procedure: procedure, how: how, request: l["request"]?.stringValue.flatMap { EntityID($0) },
          to: l["to"]?.organ, reason: reason, isSealed: l["sealed"] == .bool(true)))
    }
    return true
  }
}
