internal import BrokerDomain

/// A rung as rows hold it: every clock of a request has rungs of its own. The timer by which people are told of a rung
/// that has fired lies far above those.
struct RungCode {
  let rung: Rung
  let leg: Int
  let isForPeople: Bool

  /// Above every clock's number.
  private static let people = 1_000_000

  init(_ rung: Rung, leg: Int, isForPeople: Bool = false) {
    self.rung = rung
    self.leg = leg
    self.isForPeople = isForPeople
  }

  init?(_ code: Int64) {
    guard let rung = Rung(rawValue: Int(code % 10)) else { return nil }
    let leg = Int(code / 10)
    self.init(rung, leg: leg % Self.people, isForPeople: leg >= Self.people)
  }

  static func isForPeople(_ code: Int64) -> Bool { code >= Int64(people) * 10 }

  var code: Int { (leg + (isForPeople ? Self.people : 0)) * 10 + rung.rawValue }
}
