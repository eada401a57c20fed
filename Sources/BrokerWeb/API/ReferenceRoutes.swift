internal import BrokerDomain
internal import BrokerStore

/// Reference data, read by every key: organs, items, assistance list, procedures, working days.
struct ReferenceRoutes {
  let broker: Broker

  /// These lists are short and in memory; the cursor is a position in the list.
  private func page<T: Sendable>(
    _ call: Call, _ all: [T], known: [String] = [], head: @escaping @Sendable (inout JSONWriter) -> Void = { _ in },
    _ write: @Sendable (inout JSONWriter, T) -> Void
  ) async throws(Problem) -> Reply {
    try call.checkQuery(known + ["limit", "cursor"])
    let start = min(all.count, Int(try call.cursor() ?? 0))
    let end = min(all.count, start + (try call.limit()))
    return await Reply.page(
      call, Array(all[start..<end]), cursor: end < all.count ? String(end, radix: 36) : nil, head: head, write)
  }

  /// Contacts are personal data: for the organ itself and who supervises it.
  func organs(_ call: Call) async throws -> Reply {
    let reader = call.organ
    return try await page(call, broker.store.reference.organs) { w, organ in
      w.string("code", organ.code.description)
      w.string("name", organ.name)
      w.string("shortName", organ.shortName)
      w.array("roles") { w in for role in organ.roles { w.string(nil, role.rawValue) } }
      w.string("region", organ.region.description)
      w.string("superior", organ.superior?.description)
      if let reader, reader.code == organ.code || reader.supervises(organ) {
        w.array("contacts") { w in for contact in organ.contacts { contact.write(&w) } }
      }
    }
  }

  /// The day of `asOf`; nil when none is asked for.
  private func asOf(_ call: Call) throws(Problem) -> CalendarDate? {
    guard let text = call.queryValue("asOf") else { return nil }
    guard let date = CalendarDate(text) else {
      throw call.badParameter("asOf", "应为 YYYY-MM-DD 的有效日期", "must be a real date, YYYY-MM-DD")
    }
    return date
  }

  func items(_ call: Call) async throws -> Reply {
    let reference = broker.store.reference
    let (version, items) =
      if let date = try asOf(call) {
        try await broker.store.items(asOf: date)
      } else {
        (reference.itemsVersion, reference.items)
      }
    return try await page(call, items, known: ["asOf"], head: { version.write(&$0) }) { w, item in item.write(&w) }
  }

  func assistanceList(_ call: Call) async throws -> Reply {
    let reference = broker.store.reference
    let (version, entries) =
      if let date = try asOf(call) {
        try await broker.store.assistanceList(asOf: date)
      } else {
        (reference.assistanceVersion, reference.assistance)
      }
    // What an entry was about when it came into force, also where the item is called otherwise now.
    let moment = version.appliedFrom
    return try await page(call, entries, known: ["asOf"], head: { version.write(&$0) }) { w, entry in
      let item = reference.item(entry.item, at: moment)
      w.string("item", entry.item)
      w.string("proof", item?.proof)
      w.string("matter", item?.matter)
      w.string("requester", entry.requester.description)
      w.string("obliged", entry.obliged.description)
      w.int("workingDays", entry.workingDays)
    }
  }

  func procedures(_ call: Call) async throws -> Reply {
    try await page(call, broker.store.reference.procedures.values.sorted { $0.id < $1.id }) { w, procedure in
      procedure.write(&w)
    }
  }

  func workingDays(_ call: Call) async throws -> Reply {
    try call.checkQuery("from", "days", "region")
    let from: Instant
    if let date = call.queryValue("from").flatMap({ CalendarDate($0) }) {
      from = date.midnight
    } else if let instant = try call.queryInstant("from", orDate: true) {
      from = instant
    } else {
      throw call.badParameter("from", "必填", "is required")
    }
    let days = Int(try call.queryInt("days", 1...Int64(Procedure.maximumDays)) ?? 5)
    var region: RegionCode?
    if let text = call.queryValue("region") {
      guard let code = RegionCode(text) else {
        throw call.badParameter("region", "应为6位行政区划代码", "must be six digits (GB/T 2260)")
      }
      region = code
    }
    let reference = broker.store.reference
    let deadline = reference.calendar.deadline(
      receivedAt: from, workingDays: days, region: region, lastDay: reference.lastDay)
    // Its last moment is the first of the day after.
    guard (deadline.date + 1).year <= 9999 else {
      throw call.badParameter("from", "届满日不得晚于9999年", "must not lead beyond the year 9999")
    }
    return Reply { w in
      w.string("from", from.rfc3339)
      deadline.write(&w, receivedAt: from, region: region, calendar: reference.calendar)
    }
  }
}

extension ListVersion {
  /// Behind the page of a list: which version it is, and since when it holds.
  fileprivate func write(_ w: inout JSONWriter) {
    w.int("version", number)
    w.string("effectiveFrom", effectiveFrom?.description)
    w.string("notice", notice)
  }
}

extension Item {
  fileprivate func write(_ w: inout JSONWriter) {
    w.string("code", code)
    w.string("proof", proof)
    w.string("matter", matter)
    let department = { (level: Int) -> String? in
      level < departments.count && !departments[level].isEmpty ? departments[level] : nil
    }
    w.string("department", department(2) ?? department(1) ?? department(0))
    w.object("departments") { w in
      w.string("province", department(0))
      w.string("prefecture", department(1))
      w.string("county", department(2))
    }
    w.string("method", method.rawValue)
    w.string("methodBasis", methodBasis)
    w.bool("excluded", exclusion != nil)
    w.string("exclusion", exclusion)
    w.bool("public", isPublic)
    w.bool("agentAllowed", agentAllowed)
    w.string("region", region?.description)
  }
}

extension OrganContact {
  func write(_ w: inout JSONWriter, as name: StaticString? = nil) {
    w.object(name) { w in
      w.string("role", role.rawValue)
      w.string("name", self.name)
      w.string("phone", phone)
      if let substituteName {
        w.object("substitute") { w in
          w.string("name", substituteName)
          w.string("phone", substitutePhone)
        }
      } else {
        w.null("substitute")
      }
    }
  }
}
