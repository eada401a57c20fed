internal import BrokerStore

/// The text format of Prometheus, version 0.0.4.
struct PrometheusPage {
  private(set) var text = ""

  mutating func gauge(_ name: String, _ help: String) { head(name, help, "gauge") }
  mutating func counter(_ name: String, _ help: String) { head(name, help, "counter") }

  private mutating func head(_ name: String, _ help: String, _ type: String) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
  }

  mutating func sample(_ name: String, _ labels: [String: String], _ value: Int) {
    text += "\(name)\(Self.braces(labels)) \(value)\n"
  }

  mutating func histogram(
    _ name: String, _ help: String, _ series: [([String: String], LatencyHistogram.Snapshot)]
  ) {
    head(name, help, "histogram")
    for (labels, snapshot) in series where snapshot.count > 0 || labels.isEmpty {
      var total = 0
      for (index, bound) in LatencyHistogram.boundsMicroseconds.enumerated() {
        total += snapshot.buckets[index]
        bucket(name, labels, String(Double(bound) / 1_000_000), total)
      }
      bucket(name, labels, "+Inf", snapshot.count)
      text += "\(name)_sum\(Self.braces(labels)) \(Double(snapshot.sumMicroseconds) / 1_000_000)\n"
      text += "\(name)_count\(Self.braces(labels)) \(snapshot.count)\n"
    }
  }

  mutating func batchSizes(_ counts: BatchSizes.Counts) {
    let name = "xiecha_commit_batch_size"
    head(name, "Writes that shared one commit.", "histogram")
    var total = 0
    for (power, count) in counts.buckets.enumerated().dropLast() {
      total += count
      bucket(name, [:], String(1 << power), total)
    }
    bucket(name, [:], "+Inf", counts.count)
    text += "\(name)_sum \(counts.sum)\n\(name)_count \(counts.count)\n"
  }

  private mutating func bucket(_ name: String, _ labels: [String: String], _ bound: String, _ count: Int) {
    var labels = labels
    labels["le"] = bound
    text += "\(name)_bucket\(Self.braces(labels)) \(count)\n"
  }

  private static func braces(_ labels: [String: String]) -> String {
    guard !labels.isEmpty else { return "" }
    let pairs = labels.sorted { $0.key < $1.key }.map { name, value in
      "\(name)=\"\(value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n"))\""
    }
    return "{\(pairs.joined(separator: ","))}"
  }
}
