internal import BrokerDomain
internal import GRDB

/// The event of a callback, from which its body is made at every attempt: the same event gives the same body, however
/// often it is tried.
struct CallbackEvent {
  let seq: Int64
  let request: Int64
  let type: String
  let version: Int
  let state: String
  let at: Instant

  /// `{"type", "timestamp", "data"}` as Standard Webhooks has it. Thin data names the request and what it is about but
  /// nobody; full data adds the representation as it was at the event, the subject's id number masked.
  func body(_ kind: Endpoint.Body, now: Instant, _ db: Database, _ reference: Reference) throws -> [UInt8] {
    var w = JSONWriter(capacity: kind == .thin ? 640 : 2560)
    switch kind {
    case .thin:
      let row = try db.first(CallbackSQL.thin, .int(request)) { row in
        var data = JSONWriter(capacity: 512)
        data.object { thin(&$0, row, reference) }
        return data.bytes
      }
      envelope(&w, data: row ?? Array("{}".utf8))
    case .full:
      guard let stored = try StoredRequest.load(request, db, reference) else {
        throw StoreError.unexpected("event \(seq) has no request")
      }
      var data = JSONWriter(capacity: 2048)
      data.object { w in
        w.string("request", stored.request.id.description)
        w.int("seq", seq)
        Representation(
          asOf(stored.request), subject: stored.subject, now: at, reference: reference
        ).members(&w)
      }
      envelope(&w, data: data.bytes)
    }
    return w.bytes
  }

  private func envelope(_ w: inout JSONWriter, data: [UInt8]) {
    w.object { w in
      w.string("type", type)
      w.string("timestamp", at.rfc3339)
      w.raw("data", data)
    }
  }

  private func thin(_ w: inout JSONWriter, _ row: SQLRow, _ reference: Reference) {
    let due = Instant(milliseconds: row.int(6))
    w.string("request", EntityID(key: request, tail: row.int(0)).description)
    w.int("seq", seq)
    w.int("version", version)
    w.string("state", state)
    w.string("procedure", row.text(1))
    for (name, column): (StaticString, Int32) in [("from", 2), ("to", 3)] {
      let organ = reference.organ(number: row.int(column))
      w.object(name) { w in
        w.string("code", organ?.code.description)
        w.string("name", organ?.name)
      }
    }
    Representation.write(item: row.optionalText(4), reference, &w)
    w.string("reference", row.optionalText(5))
    w.object("due") { w in
      w.string("at", due.rfc3339)
      w.string("date", CalendarDate(dayNumber: Int(row.int(7))).description)
      w.bool("overdue", StateName(rawValue: state)?.isOpen == true && at >= due)
    }
  }

  /// The request as it was after the event: a later answer does not leak into an earlier message.
  private func asOf(_ request: AssistanceRequest) -> AssistanceRequest {
    guard request.version != version else { return request }
    var earlier = request
    earlier.version = version
    earlier.updatedAt = at
    if state == StateName.submitted.rawValue {
      earlier.acknowledgement = nil
      earlier.state = .submitted
    } else {
      earlier.state = .acknowledged
    }
    return earlier
  }
}

enum CallbackSQL: String, CaseIterable {
  case thin = """
    SELECT tail, procedure, requester, responder, item, reference, due_at, due_day FROM request WHERE key = $1
    """
}
