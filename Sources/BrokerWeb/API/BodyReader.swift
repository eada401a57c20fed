internal import BrokerDomain

/// The members of an object by their names. There are a dozen at most, and comparing so many short names is quicker than
/// hashing them. A null says the same as leaving the member out.
struct Members {
  private let all: [JSON.Member]

  init(_ all: [JSON.Member] = []) { self.all = all }

  var isEmpty: Bool { all.allSatisfy(\.value.isNull) }

  subscript(_ name: String) -> JSON? {
    for member in all where member.name == name { return member.value.isNull ? nil : member.value }
    return nil
  }
}

/// Reads the members of a JSON object and collects every fault with its pointer, rather than stopping at the first.
/// A member that nobody asked for is a fault too: a typo must not vanish.
struct BodyReader {
  private(set) var faults: [Fault] = []

  /// The object at `pointer` with exactly these members allowed.
  mutating func object(_ json: JSON?, at pointer: String, members: [String]) -> Members? {
    guard let json else { return nil }
    guard case .object(let found) = json else {
      fault(pointer, "应为对象，实为\(json.kind.zh)", "must be an object, not \(json.kind.en)")
      return nil
    }
    for member in found where !members.contains(member.name) {
      if faults.count >= Procedure.mostFaults { break }
      let place = pointer + "/" + Self.escape(member.name)
      if members.isEmpty {
        fault(place, "没有这一成员；此处不需要任何成员", "no such member; none is taken here")
      } else {
        let known = members.joined(separator: ", ")
        fault(place, "没有这一成员；可用：\(known)", "no such member; known: \(known)")
      }
    }
    return Members(found)
  }

  mutating func fault(_ pointer: String, code: String = "invalid-body", _ zh: String, _ en: String) {
    guard faults.count < Procedure.mostFaults else { return }
    faults.append(Fault(pointer, code: code, zh, en))
  }

  var faultyPointers: Set<String> { Set(faults.map(\.pointer)) }

  /// Adds what the rules say, except of places that are faulty already: one thing at a time is enough there.
  mutating func add(_ more: [Fault]) {
    let faulty = faultyPointers
    faults += more.filter { !faulty.contains($0.pointer) }.prefix(max(0, Procedure.mostFaults - faults.count))
  }

  /// Everything that is wrong, in the order of the body.
  func problem(in json: JSON) -> Problem {
    var order = BodyOrder(json)
    let ranked = faults.enumerated().map { (rank: order.rank(of: $1.pointer), at: $0, fault: $1) }
    return Problem(
      ranked.sorted { $0.rank == $1.rank ? $0.at < $1.at : $0.rank.lexicographicallyPrecedes($1.rank) }
        .map(\.fault))
  }

  mutating func missing(_ pointer: String) {
    fault(pointer, "必填", "is required")
  }

  /// Text of 1…`longest` code points that is not blank, trimmed.
  mutating func text(_ json: JSON?, at pointer: String, required: Bool = false, longest: Int = 200)
    -> String?
  {
    guard let json else {
      if required { missing(pointer) }
      return nil
    }
    guard case .string(let raw) = json else {
      fault(pointer, "应为字符串，实为\(json.kind.zh)", "must be a string, not \(json.kind.en)")
      return nil
    }
    let text = raw.trimmingSpaces()
    // The first sign of nearly every text is seen.
    if text.isInvisible {
      fault(pointer, "不能为空白", "must not be blank")
      return nil
    }
    // Code points, as JSON Schema counts them; there are never more of them than bytes.
    if text.utf8.count > longest {
      let length = text.unicodeScalars.count
      guard length <= longest else {
        fault(pointer, "最多\(longest)个字符，实为\(length)", "has \(length) characters, at most \(longest)")
        return nil
      }
    }
    if let hidden = text.hiddenCharacter {
      fault(pointer, hidden.zh, hidden.en)
      return nil
    }
    return text
  }

  mutating func choice<T: CaseIterable & RawRepresentable<String>>(
    _ json: JSON?, at pointer: String, _: T.Type, required: Bool = false
  ) -> T? {
    guard let text = text(json, at: pointer, required: required) else { return nil }
    guard let value = T(rawValue: text) else {
      let known = T.allCases.map(\.rawValue).joined(separator: ", ")
      fault(pointer, "应为 \(known) 之一", "must be one of \(known)")
      return nil
    }
    return value
  }

  mutating func date(_ json: JSON?, at pointer: String, required: Bool = false) -> CalendarDate? {
    guard let text = text(json, at: pointer, required: required) else { return nil }
    guard let date = CalendarDate(text) else {
      fault(pointer, "应为 YYYY-MM-DD 的有效日期", "must be a real date, YYYY-MM-DD")
      return nil
    }
    return date
  }

  mutating func bool(_ json: JSON?, at pointer: String) -> Bool? {
    guard let json else { return nil }
    guard case .bool(let value) = json else {
      fault(pointer, "应为 true 或 false", "must be true or false")
      return nil
    }
    return value
  }

  mutating func array(_ json: JSON?, at pointer: String, required: Bool, _ range: ClosedRange<Int>)
    -> [JSON]?
  {
    guard let json else {
      if required { missing(pointer) }
      return nil
    }
    guard case .array(let values) = json else {
      fault(pointer, "应为数组，实为\(json.kind.zh)", "must be an array, not \(json.kind.en)")
      return nil
    }
    guard range.contains(values.count) else {
      fault(
        pointer, "应有\(range.lowerBound)至\(range.upperBound)个元素，实为\(values.count)",
        "must have \(range.lowerBound) to \(range.upperBound) elements, not \(values.count)")
      return nil
    }
    return values
  }

  mutating func organ(_ json: JSON?, at pointer: String) -> OrganCode? {
    guard let text = text(json, at: pointer) else { return nil }
    do {
      return try OrganCode(text)
    } catch {
      fault(pointer, error.zh, error.en)
      return nil
    }
  }

  /// RFC 6901: `~` and `/` inside a name.
  static func escape(_ name: String) -> String {
    name.replacing("~", with: "~0").replacing("/", with: "~1")
  }
}
