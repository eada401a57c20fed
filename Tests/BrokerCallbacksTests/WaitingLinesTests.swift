import TestSupport
import Testing

@testable import BrokerCallbacks

@Suite struct WaitingLinesTests {
  private func push(_ token: UInt64, _ line: Int64?, atOnce: Int = 2) -> Push {
    var push = Push.to("http://127.0.0.1/", token: token)
    (push.line, push.atOnce) = (line, atOnce)
    return push
  }

  private func drain(_ lines: inout WaitingLines) -> [UInt64] {
    var tokens: [UInt64] = []
    while let push = lines.next() { tokens.append(push.token) }
    return tokens
  }

  @Test func oneLineAfterTheOtherAndNoneHasMoreThanItMay() {
    var lines = WaitingLines()
    for token in 1...4 as ClosedRange<UInt64> { lines.append(push(token, 1)) }
    for token in 5...6 as ClosedRange<UInt64> { lines.append(push(token, 2, atOnce: 1)) }
    #expect(drain(&lines) == [1, 5, 2])
    #expect(!lines.hasNext && lines.count == 3)
    lines.ended(2)
    lines.ended(1)
    #expect(drain(&lines) == [6, 3])
    lines.ended(1)
    lines.ended(1)
    #expect(drain(&lines) == [4] && lines.count == 0)
  }

  @Test func whatHasNoLineWaitsForNothing() {
    var lines = WaitingLines()
    for token in 1...50 as ClosedRange<UInt64> { lines.append(push(token, nil, atOnce: 1)) }
    #expect(drain(&lines) == Array(1...50))
    lines.ended(nil)
    #expect(lines.next() == nil)
  }

  /// The last push says how many may be out, also when that is less than are out already.
  @Test func aLineMayBeMadeNarrower() {
    var lines = WaitingLines()
    for token in 1...3 as ClosedRange<UInt64> { lines.append(push(token, 1, atOnce: 3)) }
    #expect(drain(&lines) == [1, 2, 3])
    lines.append(push(4, 1, atOnce: 1))
    lines.ended(1)
    lines.ended(1)
    #expect(!lines.hasNext)
    lines.ended(1)
    #expect(drain(&lines) == [4])
  }

  @Test func whatIsTakenBackIsOutAndItsLineGoesOn() {
    var lines = WaitingLines()
    for token in 1...4 as ClosedRange<UInt64> { lines.append(push(token, 1)) }
    lines.append(push(5, 2))
    #expect(lines.next()?.token == 1)
    #expect(lines.takeBack(1).map(\.token) == [2, 3, 4] && lines.count == 1)
    #expect(lines.takeBack(1).isEmpty && lines.takeBack(3).isEmpty)
    for token in 6...8 as ClosedRange<UInt64> { lines.append(push(token, 1)) }
    #expect(drain(&lines) == [5, 6], "one of the line is still out")
    #expect(Set(lines.takeAll().map(\.token)) == [7, 8] && lines.count == 0 && lines.next() == nil)
  }

  /// Whatever happens, each is given out or taken back once, in the order of its line, and no line has more out than the
  /// last push said.
  @Test(arguments: 1...8 as ClosedRange<UInt64>) func anyCourse(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var lines = WaitingLines()
    var waiting: [Int64: [UInt64]] = [:]
    var (out, most): ([Int64: Int], [Int64: Int]) = ([:], [:])
    for token in 1...2000 as ClosedRange<UInt64> {
      let line = Int64.random(in: 1...5, using: &random)
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<4:
        most[line] = Int.random(in: 1...4, using: &random)
        lines.append(push(token, line, atOnce: most[line, default: 0]))
        waiting[line, default: []].append(token)
      case 4..<7:
        let mayGo = waiting.contains { !$1.isEmpty && out[$0, default: 0] < most[$0, default: 0] }
        let next = lines.next()
        #expect((next != nil) == mayGo)
        guard let next, let own = next.line else { continue }
        #expect(waiting[own]?.removeFirst() == next.token)
        out[own, default: 0] += 1
      case 7..<9 where out[line, default: 0] > 0:
        lines.ended(line)
        out[line, default: 0] -= 1
      default:
        guard Int.random(in: 0..<5, using: &random) == 0 else { continue }
        #expect(lines.takeBack(line).map(\.token) == waiting[line] ?? [])
        waiting[line] = []
      }
      #expect(lines.count == waiting.values.reduce(0) { $0 + $1.count })
    }
  }
}
