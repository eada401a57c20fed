internal import DequeModule

/// Pushes that wait for the wire: those of one line one behind another, never more of them on the wire than it may have, and
/// one line after the other. Pushes without a line are bound by nothing but the wire.
struct WaitingLines {
  private struct Line {
    var pushes: Deque<Push> = []
    var onWire = 0
    var atOnce = Int.max
    /// Stands in `turns`.
    var hasTurn = false

    var mayGo: Bool { !pushes.isEmpty && onWire < atOnce }
  }

  private var lines: [Int64?: Line] = [:]
  /// Lines whose first push may go.
  private var turns: Deque<Int64?> = []
  private(set) var count = 0

  /// Something waits that may go now.
  var hasNext: Bool { !turns.isEmpty }

  mutating func append(_ push: Push) {
    let line = push.line
    lines[line, default: Line()].pushes.append(push)
    lines[line]?.atOnce = line == nil ? .max : push.atOnce
    count += 1
    giveTurn(line)
  }

  /// The next push, which counts as on the wire until its line hears of its end; nil when none may go.
  mutating func next() -> Push? {
    while let line = turns.popFirst() {
      lines[line]?.hasTurn = false
      guard lines[line]?.mayGo == true, let push = lines[line]?.pushes.popFirst() else { continue }
      lines[line]?.onWire += 1
      count -= 1
      giveTurn(line)
      return push
    }
    return nil
  }

  /// One of the line has left the wire.
  mutating func ended(_ line: Int64?) {
    guard let found = lines[line] else { return }
    if found.onWire <= 1, found.pushes.isEmpty {
      lines[line] = nil
    } else {
      lines[line]?.onWire -= 1
      giveTurn(line)
    }
  }

  /// Takes out all that waits in a line.
  mutating func takeBack(_ line: Int64) -> [Push] {
    guard let found = lines[line] else { return [] }
    count -= found.pushes.count
    if found.onWire == 0 { lines[line] = nil } else { lines[line]?.pushes = [] }
    return Array(found.pushes)
  }

  /// Takes out everything.
  mutating func takeAll() -> [Push] {
    let all = lines.values.flatMap(\.pushes)
    self = WaitingLines()
    return all
  }

  private mutating func giveTurn(_ line: Int64?) {
    guard let found = lines[line], found.mayGo, !found.hasTurn else { return }
    lines[line]?.hasTurn = true
    turns.append(line)
  }
}
