/// Attempts of the last five minutes and how long they took, to a tenth of their length: 2 KB for each endpoint.
struct Traffic: Sendable {
  private struct Slice {
    var number: Int64 = -1
    var attempts = 0
    var failures = 0
    var times = [UInt32](repeating: 0, count: Traffic.buckets)
  }

  private static let slices: Int64 = 5
  private static let sliceMicroseconds: Int64 = 60_000_000
  /// Four for each doubling, up to 2^26 µs: longer than any attempt may take.
  private static let buckets = 104

  private var slices = [Slice](repeating: Slice(), count: Int(Self.slices))

  /// - Parameter clock: monotonic microseconds.
  mutating func count(failed: Bool, microseconds: Int64, clock: Int64) {
    let number = clock / Self.sliceMicroseconds
    let index = Int(number % Self.slices)
    if slices[index].number != number { slices[index] = Slice(number: number) }
    slices[index].attempts += 1
    if failed { slices[index].failures += 1 }
    slices[index].times[Self.bucket(microseconds)] += 1
  }

  func counts(clock: Int64) -> (attempts: Int, failures: Int) {
    recent(clock).reduce((0, 0)) { ($0.0 + $1.attempts, $0.1 + $1.failures) }
  }

  /// Microseconds within which so many of a hundred attempts ended; nil without attempts.
  func percentile(_ percent: Int, clock: Int64) -> Int64? {
    let recent = recent(clock)
    let attempts = recent.reduce(0) { $0 + $1.attempts }
    guard attempts > 0 else { return nil }
    let wanted = max(1, (attempts * percent + 99) / 100)
    var sum = 0
    for bucket in 0..<Self.buckets {
      sum += recent.reduce(0) { $0 + Int($1.times[bucket]) }
      if sum >= wanted { return Self.middle(bucket) }
    }
    return nil
  }

  private func recent(_ clock: Int64) -> [Slice] {
    let number = clock / Self.sliceMicroseconds
    return slices.filter { $0.number > number - Self.slices && $0.number <= number }
  }

  private static func bucket(_ microseconds: Int64) -> Int {
    let value = UInt64(max(4, microseconds))
    let power = 63 - value.leadingZeroBitCount
    return min(buckets - 1, (power - 2) * 4 + Int(value >> UInt64(power - 2) & 3))
  }

  private static func middle(_ bucket: Int) -> Int64 {
    let width = Int64(1) << (bucket / 4)
    return width * Int64(4 + bucket % 4) + width / 2
  }
}
