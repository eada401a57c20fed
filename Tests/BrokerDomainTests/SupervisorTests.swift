internal import BrokerDomain
internal import Testing

/// Who of several 司法局 is told of what is escalated: one of county, prefecture and province.
@Suite struct SupervisorTests {
  private static let (county, prefecture, province) = (
    Organs.supervisor, Organs.otherSupervisor, Organs.provincialSupervisor
  )

  struct Row: CustomTestStringConvertible, Sendable {
    let what: String
    var missing: [String] = []
    /// Organ → superior.
    var superiors: [String: String] = [:]
    /// Of what is the prefecture's supervisor by default.
    var region = "320600"
    let told: String?

    var testDescription: String { what }
  }

  static let rows = [
    Row(what: "the nearest region", told: county),
    Row(what: "none in the county", missing: [county], told: prefecture),
    Row(what: "none below the province", missing: [county, prefecture], told: province),
    Row(what: "none at all", missing: [county, prefecture, province], told: nil),
    Row(what: "the directory names its superior", superiors: [Organs.responder: prefecture], told: prefecture),
    Row(
      what: "the superior of its superior",
      superiors: [Organs.responder: Organs.stranger, Organs.stranger: province, province: prefecture], told: province),
    Row(
      what: "no superior of it is a supervisor", superiors: [Organs.responder: Organs.stranger], told: county),
    Row(
      what: "a superior of another city does not supervise it", superiors: [Organs.responder: prefecture],
      region: "320500", told: county),
  ]

  private func reference(_ row: Row, isReversed: Bool) throws -> Reference {
    let plain = try makeReference()
    let organs = try plain.organs.compactMap { organ -> Organ? in
      let name = organ.code.description
      guard !row.missing.contains(name) else { return nil }
      return Organ(
        number: organ.number, code: organ.code, name: organ.name, shortName: organ.shortName,
        region: name == Self.prefecture ? try region(row.region) : organ.region,
        superior: try row.superiors[name].map(code), roles: organ.roles)
    }
    return Reference(
      organs: isReversed ? organs.reversed() : organs, items: plain.items, assistance: plain.assistance,
      calendar: plain.calendar, procedures: Array(plain.procedures.values), lastDay: plain.lastDay)
  }

  @Test(arguments: rows, [false, true]) func oneIsTold(_ row: Row, _ isReversed: Bool) throws {
    let reference = try reference(row, isReversed: isReversed)
    let responder = try #require(reference.organ(code(Organs.responder)))
    #expect(reference.supervisor(of: responder)?.code.description == row.told)
    let request = try sampleRequest(.submitted, reference)
    let timer = LadderTimer(rung: .escalated, at: request.moment(of: .escalated, reference))
    let fired = try #require(request.fire(timer, now: timer.at, reference: reference))
    #expect(fired.alsoTell.map(\.description) == (row.told.map { [$0] } ?? []))
  }

  /// Who is not told may read all the same.
  @Test func allMayRead() throws {
    let reference = try reference(Self.rows[0], isReversed: false)
    let request = try sampleRequest(.submitted, reference)
    for organ in [Self.county, Self.prefecture, Self.province] {
      #expect(request.parties(try code(organ), reference) == [.supervisor])
    }
  }

  /// Its own lateness goes to the supervisor above it.
  @Test func aSupervisorHasOneToo() throws {
    let reference = try reference(Self.rows[0], isReversed: false)
    for (organ, above) in [(Self.county, Self.prefecture), (Self.prefecture, Self.province)] {
      let organ = try #require(reference.organ(code(organ)))
      #expect(reference.supervisor(of: organ)?.code.description == above)
    }
  }
}
