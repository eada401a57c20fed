internal import BrokerDomain
internal import Testing

/// The table of the HTTP contract: 0 s, 5 s, 5 m, 30 m, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h (±20 %), then daily, for 15 days.
@Suite struct RetryScheduleTests {
  static let day: Int64 = 86_400
  let created = Instant(milliseconds: 1_795_140_000_000)

  private func wait(
    _ attempts: Int, retryAfter: Int64? = nil, random: Double = 0, afterSeconds: Int64 = 0
  ) -> Double? {
    let now = created + afterSeconds * 1000
    return RetrySchedule.standard.next(
      attempts: attempts, createdAt: created, now: now, retryAfterSeconds: retryAfter, random: random
    ).map { Double($0.milliseconds - now.milliseconds) / 1000 }
  }

  /// failed attempts → seconds without jitter, at −1, at +1.
  static let table: [(Int, Double, Double, Double)] = [
    (1, 5, 4, 6), (2, 300, 240, 360), (3, 1800, 1440, 2160), (4, 7200, 5760, 8640),
    (5, 18_000, 14_400, 21_600), (6, 36_000, 28_800, 43_200), (7, 50_400, 40_320, 60_480),
    (8, 72_000, 57_600, 86_400), (9, 86_400, 69_120, 103_680), (10, 86_400, 69_120, 103_680),
    (11, 86_400, 69_120, 103_680), (500, 86_400, 69_120, 103_680),
  ]

  @Test(arguments: table)
  func steps(_ attempts: Int, _ middle: Double, _ least: Double, _ most: Double) throws {
    #expect(wait(attempts, random: 0) == middle)
    // A millisecond may be lost to binary fractions.
    #expect(abs(try #require(wait(attempts, random: -1)) - least) <= 0.001)
    #expect(abs(try #require(wait(attempts, random: 1)) - most) <= 0.001)
    let half = try #require(wait(attempts, random: 0.5))
    #expect(half > middle && half < most)
  }

  /// `Retry-After` makes a wait longer, up to twice the step, never shorter.
  static let asked: [(Int, Int64, Double, Double)] = [
    (2, 0, 0, 300), (2, -5, 0, 300), (2, 299, 0, 300), (2, 301, 0, 301), (2, 600, 0, 600),
    (2, 601, 0, 600), (2, Int64.max, 0, 600), (2, 100, -1, 240), (2, 250, -1, 250), (2, 350, 1, 360),
    (2, 600, 1, 600), (1, 3600, 0, 10), (1, 10, 0, 10), (9, 200_000, 0, 172_800), (12, 90_000, 0, 90_000),
    (2, Int64.min, 0, 300),
  ]

  @Test(arguments: asked)
  func retryAfter(_ attempts: Int, _ asked: Int64, _ random: Double, _ expected: Double) throws {
    let found = try #require(wait(attempts, retryAfter: asked, random: random))
    #expect(abs(found - expected) <= 0.001)
  }

  /// The last attempt is made when fifteen days are exactly over, where the step would lead past that, and none after.
  @Test func givesUpAfterFifteenDays() {
    let end = 15 * Self.day
    #expect(wait(20, afterSeconds: end - Self.day) == Double(Self.day))
    #expect(wait(20, afterSeconds: end - Self.day + 1) == Double(Self.day - 1))
    #expect(wait(20, random: 1, afterSeconds: end - Self.day) == Double(Self.day))
    #expect(wait(20, random: -1, afterSeconds: end - Self.day) != nil)
    #expect(wait(20, retryAfter: 2 * Self.day, afterSeconds: end - Self.day) == Double(Self.day), "asked for later")
    #expect(wait(20, afterSeconds: end - 1) == 1)
    #expect(wait(1, afterSeconds: end) == nil)
    #expect(wait(1, afterSeconds: end - 5) == 5)
    #expect(wait(3, afterSeconds: 100 * Self.day) == nil)
  }

  /// Run to its end without jitter it outlasts the nine days of a Spring Festival with attempts to spare.
  @Test func wholeRun() {
    var now = created
    var attempts = 1
    while let next = RetrySchedule.standard.next(
      attempts: attempts, createdAt: created, now: now, retryAfterSeconds: nil, random: 0)
    {
      #expect(next > now)
      now = next
      attempts += 1
      guard attempts < 100 else { break }
    }
    #expect(attempts == 22)
    let seconds = (now.milliseconds - created.milliseconds) / 1000
    #expect(seconds == 15 * Self.day)
  }

  @Test func standardIsTheContract() {
    let standard = RetrySchedule.standard
    #expect(standard.stepsSeconds == [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400])
    #expect(standard.giveUpAfterSeconds == 1_296_000 && standard.jitter == 0.2)
    #expect(wait(0) == 5)
  }
}
