internal import Histogram

/// Times in microseconds at the percentiles that are shown.
struct Latencies {
  static let columns = ["p50 µs", "p90 µs", "p99 µs", "p99.9 µs"]
  static let percentiles = [50.0, 90, 99, 99.9]
  var values: [Double]

  init(_ histogram: Histogram<UInt64>) {
    values = Self.percentiles.map { Double(histogram.valueAtPercentile($0)) }
  }

  init?(values: [Double]) {
    guard values.count == Self.percentiles.count else { return nil }
    self.values = values
  }

  /// What takes longer counts as this.
  static let longest: UInt64 = 120_000_000

  static func histogram() -> Histogram<UInt64> {
    Histogram<UInt64>(highestTrackableValue: longest, numberOfSignificantValueDigits: .three)
  }

  /// The median of each percentile over several rounds.
  static func medians(_ rounds: [Latencies]) -> [Report.Cell] {
    percentiles.indices.map { index in .number(median(rounds.map { $0.values[index] }), digits: 0) }
  }
}
