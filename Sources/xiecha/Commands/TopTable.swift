internal import BrokerDomain

/// The table of `outbox top`: columns as wide as what is in them, a Chinese character counting two.
struct TopTable {
  private static let columns = [
    "地址 endpoint", "机关 organ", "熔断 breaker", "积压 queue", "在途 wire", "成功 ok", "p50 ms", "p99 ms", "最早 oldest",
    "下次 next", "备注 note",
  ]

  let text: String

  init(_ top: JSON, trouble: Phrase?) {
    var rows = [Self.columns]
    let now = top["at"]?.stringValue.flatMap { Instant(rfc3339: $0) }
    for item in top["items"]?.arrayValue ?? [] { rows.append(Self.row(item, now)) }
    let widths = Self.columns.indices.map { column in rows.map { Self.width($0[column]) }.max() ?? 0 }
    var lines: [String] = []
    if let trouble { lines.append("\(trouble.zh) / \(trouble.en)") }
    let wire = top["inFlight"]?.intValue.map(String.init) ?? "-"
    lines.append(
      "\(top["at"]?.stringValue ?? "")  地址 endpoints \(top["endpoints"]?.intValue ?? 0)  "
        + "积压 queued \(top["queued"]?.intValue ?? 0)  在途 on the wire \(wire)")
    for row in rows {
      let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - Self.width($0)) }
      lines.append(Self.trimmed(cells.joined(separator: "  ")))
    }
    text = lines.joined(separator: "\n")
  }

  private static func row(_ item: JSON, _ now: Instant?) -> [String] {
    func number(_ name: String) -> String { item[name]?.intValue.map(String.init) ?? "-" }
    func moment(_ name: String) -> Instant? { item[name]?.stringValue.flatMap { Instant(rfc3339: $0) } }
    let isOn = item["enabled"] == .bool(true)
    let breaker = item["breaker"]?["state"]?.stringValue ?? "-"
    let note =
      !isOn
      ? item["disabledReason"]?.stringValue ?? "停用 off"
      : moment("failingSince").map { "失败始于 failing since \($0.rfc3339)" } ?? ""
    return [
      "\(item["endpoint"]?.stringValue ?? "") \(item["origin"]?.stringValue ?? "")",
      item["organ"]?["name"]?.stringValue ?? "-", isOn ? breaker : "停用 off", number("queued"), number("inFlight"),
      item["successRatio"].map { $0.isNull ? "-" : $0.plain } ?? "-", number("p50Ms"), number("p99Ms"),
      span(moment("oldest"), to: now), span(now, to: moment("nextAttemptAt")), note,
    ]
  }

  /// Rounded down to its largest unit.
  private static func span(_ from: Instant?, to: Instant?) -> String {
    guard let from, let to else { return "-" }
    let seconds = max(0, (to.milliseconds - from.milliseconds) / 1000)
    for (unit, length) in [("d", Int64(86_400)), ("h", 3600), ("m", 60)] where seconds >= length {
      return "\(seconds / length)\(unit)"
    }
    return "\(seconds)s"
  }

  private static func width(_ text: String) -> Int {
    text.unicodeScalars.reduce(0) { $0 + ($1.value >= 0x2E80 ? 2 : 1) }
  }

  private static func trimmed(_ line: String) -> String {
    var line = Substring(line)
    while line.last == " " { line.removeLast() }
    return String(line)
  }
}
