internal import BrokerDomain
internal import BrokerStore

/// Reference data, read by every key: organs, items, assistance list, procedures, working days.
struct ReferenceRoutes {
  let broker: Broker

  /// These lists are short and in memory; the cursor is a position in the list.
  private func page<T: Sendable>(
    _ call: Call, _ all: [T], _ write: @Sendable (inout JSONWriter, T) -> Void
  ) async throws(Problem) -> Reply {
    try call.checkQuery("limit", "cursor")
    let start = min(all.count, Int(try call.cursor() ?? 0))
    let end = min(all.count, start + (try call.limit()))
    return await Reply.page(call, Array(all[start..<end]), next: end < all.count ? Int64(end) : nil, write)
  }

  func organs(_ call: Call) async throws -> Reply {
    try await page(call, broker.store.reference.organs) { w, organ in
      w.string("code", organ.code.description)
      w.string("name", organ.name)
      w.string("shortName", organ.shortName)
      w.array("roles") { w in for role in organ.roles { w.string(nil, role.rawValue) } }
      w.string("region", organ.region.description)
      w.string("superior", organ.superior?.description)
    }
  }

  func items(_ call: Call) async throws -> Reply {
    try await page(call, broker.store.reference.items) { w, item in
      w.string("code", item.code)
      w.string("proof", item.proof)
      w.string("matter", item.matter)
      let department = { (level: Int) -> String? in
        level < item.departments.count && !item.departments[level].isEmpty ? item.departments[level] : nil
      }
      w.string("department", department(2) ?? department(1) ?? department(0))
      w.object("departments") { w in
        w.string("province", department(0))
        w.string("prefecture", department(1))
        w.string("county", department(2))
      }
    }
  }

  func assistanceList(_ call: Call) async throws -> Reply {
    let reference = broker.store.reference
    return try await page(call, reference.assistance) { w, entry in
      let item = reference.item(entry.item)
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
    } else if let instant = try call.queryInstant("from") {
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
    return Reply { w in
      w.string("from", from.rfc3339)
      deadline.write(&w, receivedAt: from, region: region, calendar: reference.calendar)
    }
  }
}
