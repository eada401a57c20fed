internal import BrokerDomain
internal import Testing

/// The clock of a request around its due moment, 2026-11-26T00:00 exclusive.
@Suite struct ClockStatusTests {
  let reference: Reference
  let due: Instant

  init() throws {
    reference = try makeReference()
    due = try sampleRequest().deadline.at
  }

  private func shown(_ request: AssistanceRequest, at now: Instant) throws -> String {
    let bytes = Representation(request, subject: nil, now: now, reference: reference).bytes
    let due = try #require(try JSON.parse(bytes)["due"])
    let status = try #require(due["status"]?.stringValue)
    return "\(status) \(due["overdue"]?.boolValue == true) \(due["remaining"]?.intValue ?? -1)"
  }

  @Test func dueMoment() { #expect(due.rfc3339 == "2026-11-26T00:00:00+08:00") }

  /// While it is open: milliseconds from the due moment → status, overdue, working days left.
  static let whileOpen: [(Int64, String)] = [
    (-1, "running false 0"), (0, "missed true 0"), (1, "missed true 0"), (-86_400_000, "running false 0"),
    (-86_400_001, "running false 1"), (-172_800_001, "running false 2"), (-432_000_001, "running false 3"),
    (2_592_000_000, "missed true 0"),
  ]

  @Test(arguments: [StateName.submitted, .acknowledged], whileOpen)
  func open(_ name: StateName, _ row: (Int64, String)) throws {
    let request = try sampleRequest(sampleState(name), reference)
    let now = due + row.0
    #expect(try shown(request, at: now) == row.1)
    #expect(request.isOverdue(now: now) == (row.0 >= 0))
    #expect(request.clockStatus(now: now) == (row.0 >= 0 ? .missed : .running))
  }

  /// A clock that was met counts no more, whatever becomes of the request.
  @Test func onceMet() throws {
    var request = try sampleRequest(sampleState(.acknowledged), reference)
    request.progress.metAt = due + -86_400_001
    for later: Int64 in [0, 86_400_000, 2_592_000_000] {
      #expect(try shown(request, at: due + later) == "met false 1")
    }
  }

  /// Once closed only the moment of closing counts, whenever one looks.
  static let onceClosed: [(Int64, String)] = [
    (-1, "met false 0"), (0, "missed false 0"), (1, "missed false 0"), (-86_400_001, "met false 1"),
  ]

  @Test(arguments: [StateName.answered, .declined, .withdrawn], onceClosed)
  func closed(_ name: StateName, _ row: (Int64, String)) throws {
    var request = try sampleRequest(sampleState(name), reference)
    request.updatedAt = due + row.0
    for later: Int64 in [0, 1, 34_560_000_000] {
      #expect(try shown(request, at: request.updatedAt + later) == row.1)
      #expect(!request.isOverdue(now: request.updatedAt + later))
    }
    #expect(request.closedAt == request.updatedAt)
    if name == .answered {
      let bytes = Representation(request, subject: nil, now: due, reference: reference).bytes
      #expect(try JSON.parse(bytes)["answer"]?["late"]?.boolValue == (row.0 >= 0))
    }
  }
}
