internal import Testing

@testable internal import xiecha

@Suite struct LookPauseTests {
  @Test func whatFailsIsTriedLessAndLessOften() {
    var pause = LookPause()
    #expect(pause.length == .milliseconds(100))
    var lengths: [Duration] = []
    for _ in 0..<8 {
      pause.failed()
      lengths.append(pause.length)
    }
    #expect(lengths == [1, 2, 2, 2, 2, 2, 2, 2].map { .seconds($0) })
    pause.succeeded()
    #expect(pause.length == .milliseconds(100))
  }
}
