internal import BrokerDomain
internal import BrokerStore

/// A dry run of a calendar, for people or for programs.
extension CalendarPreview {
  private var omitted: Int { moved - lines.count }

  func printText(_ reference: Reference) {
    Import.tell(days)
    for line in lines {
      // What is sealed is for its two parties: the operator reads that there is something to move.
      let isSealed = reference.isSealed(line.procedure)
      let procedure = isSealed ? "封存 / sealed" : line.procedure
      let organ = isSealed ? "—" : reference.organ(line.organ)?.shortName ?? line.organ.description
      let firm = line.before.provisional && !line.after.provisional ? "  暂定→确定 / now firm" : ""
      let unsure = !line.before.provisional && line.after.provisional ? "  确定→暂定 / now provisional" : ""
      print("\(line.id)  \(procedure)  \(organ)  \(line.before.date) → \(line.after.date)\(firm)\(unsure)")
    }
    if omitted > 0 { print("另有\(omitted)件未列出 / \(omitted) more are not listed; see --limit") }
    print(
      """
      试算，未作任何更改：\(moved)件未办结请求的期限会变，其中\(becomeFirm)件由暂定变为确定；\(unchanged)件不变
      dry run, nothing was changed: \(moved) open deadlines would move, \(becomeFirm) of them from provisional to \
      firm; \(unchanged) stay
      """)
  }

  func printJSON(_ reference: Reference) {
    var w = JSONWriter()
    w.object { w in
      w.int("rows", rows)
      w.array("replacedYears") { w in for year in days.replacedYears { w.int(nil, year) } }
      w.array("removedDays") { w in for day in days.removed { w.string(nil, day) } }
      w.array("addedDays") { w in for day in days.added { w.string(nil, day) } }
      w.array("changedDays") { w in for day in days.changed { w.string(nil, day) } }
      w.int("daysWithoutNotice", withoutNotice)
      w.int("moved", moved)
      w.int("becomeFirm", becomeFirm)
      w.int("unchanged", unchanged)
      w.int("omitted", omitted)
      w.array("requests") { w in for line in lines { line.write(&w, isSealed: reference.isSealed(line.procedure)) } }
    }
    print(w.text)
  }
}

extension MovedDeadline {
  fileprivate func write(_ w: inout JSONWriter, isSealed: Bool) {
    w.object { w in
      w.string("id", id.description)
      w.string("procedure", isSealed ? nil : procedure)
      w.string("organ", isSealed ? nil : organ.description)
      for (name, deadline) in [("before" as StaticString, before), ("after", after)] {
        w.object(name) { w in
          w.string("date", deadline.date.description)
          w.string("at", deadline.at.rfc3339)
          w.bool("provisional", deadline.provisional)
        }
      }
    }
  }
}
