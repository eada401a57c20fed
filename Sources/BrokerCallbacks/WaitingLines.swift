internal import DequeModule

/// Pushes that wait for the wire: those of one line one behind another, never more of them on the wire than it may have, and
/// one line after the other. Pushes without a line are bound by nothing but the wire.
struct WaitingLines {
  /// A class, so that each push is looked up twice and not at every step.
  private final class Line {
    var pushes: Deque<Push> = []
    var onWire = 0
    var atOnce = Int.max
    /// Stands in `turns`.
    var hasTurn = false

    var mayGo: Bool { !pushes.isEmpty && onWire < atOnce }
  }

  private var lines: [Int64?: Line] = [:]
  /// Lines whose first push may go.
  private var turns: Deque<Line> = []
  private(set) var count = 0

  /// Something waits that may go now, or may have been taken back.
  var hasNext: Bool { !turns.isEmpty }

  mutating func append(_ push: Push) {
    let line = lines[push.line] ?? Line()
    if line.pushes.isEmpty, line.onWire == 0 { lines[push.line] = line }
    line.pushes.append(push)
    if push.line != nil { line.atOnce = push.atOnce }
    count += 1
    giveTurn(line)
  }

  /// The next push, which counts as on the wire until its line hears of its end; nil when none may go.
  mutating func next() -> Push? {
    while let line = turns.popFirst() {
      line.hasTurn = false
      guard line.mayGo, let push = line.pushes.popFirst() else { continue }
      line.onWire += 1
      count -= 1
      giveTurn(line)
      return push
    }
    return nil
  }

  /// One of the line has left the wire.
  mutating func ended(_ key: Int64?) {
    guard let line = lines[key] else { return }
    line.onWire = max(0, line.onWire - 1)
    giveTurn(line)
    if line.onWire == 0, line.pushes.isEmpty { lines[key] = nil }
  }

  /// Takes out all that waits in a line.
  mutating func takeBack(_ key: Int64) -> [Push] {
    guard let line = lines[key] else { return [] }
    let waiting = Array(line.pushes)
    count -= waiting.count
    line.pushes = []
    if line.onWire == 0 { lines[key] = nil }
    return waiting
  }

  /// Takes out everything.
  mutating func takeAll() -> [Push] {
    let all = lines.values.flatMap(\.pushes)
    self = WaitingLines()
    return all
  }

  private mutating func giveTurn(_ line: Line) {
    guard line.mayGo, !line.hasTurn else { return }
    line.hasTurn = true
    turns.append(line)
  }
}
