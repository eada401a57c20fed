import BrokerDomain
import Testing

@Suite struct FiguresTests {
  static let spreads: [(days: [Int], median: String?, p90: Int?)] = [
    ([], nil, nil), ([0], "0", 0), ([3], "3", 3), ([1, 2], "1.5", 2), ([1, 4], "2.5", 4), ([2, 2], "2", 2),
    ([5, 1, 3], "3", 5), ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "5.5", 9), ([0, 0, 0, 0, 0, 0, 0, 0, 0, 9], "0", 0),
    ([0, 0, 0, 0, 0, 0, 0, 0, 9, 9], "0", 9), (Array(1...11), "6", 10), ([700], "700", 700),
  ]

  @Test(arguments: spreads) func medianAndNearestRank(_ row: (days: [Int], median: String?, p90: Int?)) {
    var histogram = DayHistogram()
    for day in row.days { histogram.add(days: day) }
    #expect(histogram.total == row.days.count)
    #expect(histogram.median == row.median)
    #expect(histogram.p90 == row.p90)
  }

  @Test(arguments: [
    "on-time", "late", "declined:not-competent", "declined:", "returned", "transferred", "withdrawn",
    "acknowledged", "sent-late",
  ])
  func measuresHaveNames(_ name: String) {
    #expect(Measure(name: name)?.name == name)
  }

  @Test func noOtherNameIsAMeasure() {
    #expect(Measure(name: "lost") == nil && Measure(name: "") == nil)
  }
}
