internal import BrokerDomain

/// Where the places of a body stand in its text, so that faults can be told in the order in which its author wrote.
/// What is missing stands at the end of the object that it is missing from.
struct BodyOrder {
  private let body: JSON
  /// By the pointer of an object: where each of its members stands. A body may have thousands of members, all faulty.
  private var members: [String: [String: Int]] = [:]

  init(_ body: JSON) { self.body = body }

  /// The place among its siblings, level by level from the top.
  mutating func rank(of pointer: String) -> [Int] {
    var rank: [Int] = []
    var (value, place) = (body, "")
    for step in pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init) {
      switch value {
      case .object(let found):
        if members[place] == nil {
          let names = found.enumerated().map { (BodyReader.escape($1.name), $0) }
          members[place] = Dictionary(names) { first, _ in first }
        }
        guard let index = members[place]?[step] else { return rank + [found.count] }
        rank.append(index)
        value = found[index].value
      case .array(let found):
        guard let index = Int(step), found.indices.contains(index) else { return rank + [found.count] }
        rank.append(index)
        value = found[index]
      default: return rank
      }
      place += "/" + step
    }
    return rank
  }
}
