import BrokerDomain
import TestSupport
import Testing

@testable import BrokerStore

/// One way in which a request comes to be overdue, or is so no longer.
struct OverdueCourse: Sendable {
  let name: String
  let isOverdue: Bool
  let course: @Sendable (OverdueOffice) async throws -> EntityID

  init(_ name: String, _ isOverdue: Bool, _ course: @escaping @Sendable (OverdueOffice) async throws -> EntityID) {
    (self.name, self.isOverdue, self.course) = (name, isOverdue, course)
  }
}

extension OverdueCourse {
  static let all: [OverdueCourse] = [
    OverdueCourse(
      "fell due while the keeper sleeps", true,
      { office in
        let id = try await office.submit()
        office.sleep(days: 20)
        return id
      }
    ),
    OverdueCourse(
      "recorded", true,
      { office in
        let id = try await office.submit()
        try await office.pass(days: 20)
        return id
      }
    ),
    OverdueCourse("a stated day lies back", true, { try await $0.submit("dated", day: "2026-02-03") }),
    OverdueCourse("published long ago", true, { try await $0.submit("published", day: "2026-02-03") }),
    OverdueCourse(
      "the ladder leaves it out", true,
      { office in
        let id = try await office.submit("silent")
        try await office.file()
        try await office.pass(days: 20)
        return id
      }
    ),
    OverdueCourse(
      "no ladder at all", true,
      { office in
        let id = try await office.submit("mute")
        try await office.file()
        try await office.pass(days: 20)
        return id
      }
    ),
    OverdueCourse(
      "its own duty", true,
      { office in
        let id = try await office.submit("own")
        try await office.pass(days: 20)
        return id
      }
    ),
    OverdueCourse(
      "extended and due after all", true,
      { office in
        let id = try await office.submit()
        try await office.file()
        try await office.store.carryOut(.extend(.init(workingDays: 3, reason: "档案移交", approver: "钱七")), id)
        try await office.pass(days: 30)
        return id
      }
    ),
    OverdueCourse(
      "supplied, and due again", true,
      { office in
        let id = try await office.submit()
        try await office.store.carryOut(.ask(text: "请补充"), id)
        try await office.pass(days: 20)
        try await office.store.carryOut(.supply(text: "已补充"), id, by: .requester)
        try await office.file()
        try await office.pass(days: 20)
        return id
      }
    ),
    OverdueCourse(
      "waits for particulars", false,
      { office in
        let id = try await office.submit()
        try await office.store.carryOut(.ask(text: "请补充"), id)
        try await office.pass(days: 20)
        return id
      }
    ),
    OverdueCourse(
      "overdue, returned, given to another and due there", true,
      { office in
        let id = try await office.submit("mute")
        let other = try await office.submit("receipt")
        for one in [id, other] {
          try await office.pass(days: 3)
          try await office.file()
          try await office.store.carryOut(.giveBack(.init(reason: "不属于本机关职权", competentOrgan: nil)), one)
          try await office.check("returned")
          try await office.file()
          try await office.store.carryOut(
            .transfer(.init(to: Qidong.stranger.organ, reason: "由其保管")), one, by: .requester)
          try await office.check("with another organ")
          try await office.file()
        }
        try await office.pass(days: 20)
        return id
      }
    ),
    OverdueCourse(
      "receipt is acknowledged late", false,
      { office in
        let id = try await office.submit("receipt")
        try await office.pass(days: 5)
        try await office.file()
        try await office.check("before")
        try await office.store.carryOut(.acknowledge(officer: nil), id)
        return id
      }
    ),
    OverdueCourse(
      "answered late", false,
      { office in
        let id = try await office.submit()
        try await office.pass(days: 20)
        try await office.file()
        try await office.store.carryOut(.confirm, id)
        return id
      }
    ),
    OverdueCourse(
      "a notice moves it to later, and it is due again", true,
      { office in
        let id = try await office.submit()
        try await office.pass(days: 8)
        try await office.file()
        try await office.check("due")
        try await office.announce([("2026-03-06", "off"), ("2026-03-09", "off")])
        #expect(try await office.overdue().isEmpty)
        try await office.check("moved")
        try await office.file()
        try await office.pass(days: 20)
        return id
      }
    ),
    OverdueCourse(
      "a notice moves it to earlier than now", true,
      { office in
        let id = try await office.submit()
        try await office.file()
        office.sleep(days: 6.9)
        #expect(try await office.overdue().isEmpty)
        try await office.announce([("2026-03-07", "work"), ("2026-03-08", "work")])
        return id
      }
    ),
    OverdueCourse(
      "overdue, and moved to another day that is past", true,
      { office in
        let id = try await office.submit()
        try await office.pass(days: 20)
        try await office.file()
        try await office.announce([("2026-03-06", "off")])
        return id
      }
    ),
  ]
}
