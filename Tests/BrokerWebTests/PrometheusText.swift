internal import TestSupport

/// The text format of Prometheus, version 0.0.4, read by the letter: whatever a scraper might choke on is an error.
struct PrometheusText {
  struct Sample: Hashable {
    let name: String
    let labels: [String: String]
  }

  /// Family → type, in the order of the page.
  private(set) var families: [(name: String, type: String)] = []
  private(set) var samples: [Sample: Double] = [:]

  init(_ text: String) throws {
    guard text.hasSuffix("\n") else { throw WaitFault("the last line does not end") }
    var help: String?
    for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
      if let match = line.wholeMatch(of: /# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) \S.*/) {
        guard help == nil else { throw WaitFault("HELP twice: \(line)") }
        help = String(match.1)
      } else if let match = line.wholeMatch(of: /# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)/) {
        let name = String(match.1)
        guard help == name, !families.contains(where: { $0.name == name }) else {
          throw WaitFault("TYPE without its HELP, or twice: \(line)")
        }
        families.append((name, String(match.2)))
        help = nil
      } else {
        guard help == nil else { throw WaitFault("HELP without TYPE: \(line)") }
        try add(line)
      }
    }
    try checkHistograms()
  }

  private mutating func add(_ line: Substring) throws {
    guard
      let match = line.wholeMatch(
        of: /([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?[0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?|\+Inf|NaN)/)
    else { throw WaitFault("no sample: \(line)") }
    let name = String(match.1)
    guard let family = families.last,
      name == family.name
        || (family.type == "histogram"
          && ["_bucket", "_sum", "_count"].contains { family.name + $0 == name })
    else { throw WaitFault("outside its family: \(line)") }
    if family.type == "histogram", name == family.name { throw WaitFault("a bare histogram: \(line)") }
    var labels: [String: String] = [:]
    var rest = (match.2 ?? "")[...]
    while let pair = rest.prefixMatch(of: /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/) {
      guard labels.updateValue(String(pair.2), forKey: String(pair.1)) == nil else {
        throw WaitFault("a label twice: \(line)")
      }
      rest = rest[pair.range.upperBound...]
    }
    guard rest.isEmpty, match.2 == nil || !labels.isEmpty else { throw WaitFault("labels: \(line)") }
    guard let value = Double(match.3), samples.updateValue(value, forKey: Sample(name: name, labels: labels)) == nil
    else { throw WaitFault("twice, or no number: \(line)") }
    if family.type != "gauge", value < 0 { throw WaitFault("below zero: \(line)") }
  }

  /// Buckets grow with their bound, and the last one is all.
  private func checkHistograms() throws {
    for family in families where family.type == "histogram" {
      var series: [[String: String]: [(bound: Double, count: Double)]] = [:]
      for (sample, value) in samples where sample.name == family.name + "_bucket" {
        var labels = sample.labels
        let text = labels.removeValue(forKey: "le") ?? ""
        guard let bound = text == "+Inf" ? Double.infinity : Double(text) else {
          throw WaitFault("le=\(text) in \(family.name)")
        }
        series[labels, default: []].append((bound, value))
      }
      for (labels, buckets) in series {
        let sorted = buckets.sorted { $0.bound < $1.bound }
        guard zip(sorted, sorted.dropFirst()).allSatisfy({ $0.count <= $1.count }),
          sorted.last?.bound == .infinity, sorted.last?.count == self[family.name + "_count", labels],
          self[family.name + "_sum", labels] != nil
        else { throw WaitFault("histogram \(family.name) \(labels)") }
      }
    }
  }

  subscript(_ name: String, _ labels: [String: String] = [:]) -> Double? {
    samples[Sample(name: name, labels: labels)]
  }

  func type(of name: String) -> String? { families.first { $0.name == name }?.type }
}
