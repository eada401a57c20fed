internal import TestSupport

/// Every place of a JSON value, and the value with something else there.
extension JSONBody {
  struct Place: Sendable {
    /// RFC 6901.
    let pointer: String
    let value: JSONBody
  }

  /// All members and elements, however deep; itself left out.
  func places(under pointer: String = "") -> [Place] {
    let inner: [Place] =
      switch self {
      case .object(let members):
        members.map { Place(pointer: "\(pointer)/\($0)", value: $1) }
      case .array(let items):
        items.enumerated().map { Place(pointer: "\(pointer)/\($0)", value: $1) }
      default: []
      }
    return inner.sorted { $0.pointer < $1.pointer }.flatMap {
      [$0] + $0.value.places(under: $0.pointer)
    }
  }

  /// The value with `new` at `pointer`, which may be new there too; `.missing` takes a member away.
  func with(_ new: JSONBody, at pointer: String) -> JSONBody {
    let steps: [String] = pointer.split(separator: "/").map {
      String($0).replacing("~1", with: "/").replacing("~0", with: "~")
    }
    return replacing(steps[...], new)
  }

  private func replacing(_ steps: ArraySlice<String>, _ new: JSONBody) -> JSONBody {
    guard let step = steps.first else { return new }
    switch self {
    case .object(var members):
      let value = (members[step] ?? .missing).replacing(steps.dropFirst(), new)
      members[step] = value.isMissing ? nil : value
      return .object(members)
    case .array(var items):
      if let index = Int(step) {
        let value = items.indices.contains(index) ? items[index] : .missing
        let changed = value.replacing(steps.dropFirst(), new)
        if index < items.count { items[index] = changed } else { items.append(changed) }
      }
      return .array(items)
    default: return self
    }
  }
}
