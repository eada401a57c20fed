internal import BrokerDomain

/// Charts as inline SVG: plain rectangles and words, so that they print as they are shown.
extension HTMLText {
  /// More bars than fit on two pages tell nothing; the table has them all.
  private static let mostBars = 60
  private static let mostDays = 30

  mutating func legend(_ keys: [(title: Phrase, color: String)]) {
    element("div", [("class", "key")]) { html in
      for (title, color) in keys {
        html.element("span") { html in
          html.element("i", "", [("style", "background:\(color)")])
          html.put("\(title.zh) \(title.en)")
        }
      }
    }
  }

  /// One bar a row, as long as it received, divided by what became of them.
  mutating func bars(_ rows: [(name: String, figures: Figures)]) {
    let shown = rows.sorted { $0.figures.received > $1.figures.received }.prefix(Self.mostBars)
    let most = max(1, shown.map(\.figures.received).max() ?? 1)
    let kept = rows.filter { row in shown.contains { $0.name == row.name } }.prefix(Self.mostBars)
    let (height, left, width) = (22, 300, 780)
    svg(width: 1150, height: max(1, kept.count) * height + 6) { html in
      for (index, row) in kept.enumerated() {
        let y = index * height + 4
        html.label(Self.cut(row.name), x: left - 8, y: y + 12, anchor: "end")
        var x = Double(left)
        for part in FigurePart.allCases {
          let count = part.count(row.figures)
          guard count > 0 else { continue }
          let length = Double(count) * Double(width) / Double(most)
          html.rectangle(
            x: x, y: y, width: length, height: height - 7, part.color, "\(row.name) \(part.title.zh) \(count)")
          x += length
        }
        html.label(String(row.figures.received), x: Int(x) + 6, y: y + 12, anchor: "start")
      }
    }
    if rows.count > kept.count {
      element("p", "图中只列收到最多的\(kept.count)行 / the chart shows the \(kept.count) largest", [("class", "en")])
    }
  }

  /// How many answers took how many working days; what took longer than `mostDays` stands in the last column.
  mutating func histogram(onTime: DayHistogram, late: DayHistogram) {
    let longest = min(Self.mostDays, max(onTime.counts.count, late.counts.count, 6))
    func column(_ counts: [Int], _ day: Int) -> Int {
      day < longest ? (day < counts.count ? counts[day] : 0) : counts.dropFirst(longest).reduce(0, +)
    }
    let isCut = max(onTime.counts.count, late.counts.count) > longest
    let days = Array(0...(isCut ? longest : longest - 1))
    let most = max(1, days.map { column(onTime.counts, $0) + column(late.counts, $0) }.max() ?? 1)
    let (step, base) = (min(60, 1080 / days.count), 170)
    legend([(FigurePart.onTime.title, FigurePart.onTime.color), (FigurePart.late.title, FigurePart.late.color)])
    svg(width: days.count * step + 40, height: base + 36) { html in
      for (index, day) in days.enumerated() {
        let x = Double(20 + index * step)
        let (inTime, after) = (column(onTime.counts, day), column(late.counts, day))
        let (low, high) = (140 * inTime / most, 140 * after / most)
        let name = day == longest ? "≥\(day)" : "\(day)"
        let width = Double(step) * 0.7
        html.rectangle(
          x: x, y: base - low, width: width, height: low, FigurePart.onTime.color, "\(name)个工作日 按时 \(inTime)")
        html.rectangle(
          x: x, y: base - low - high, width: width, height: high, FigurePart.late.color, "\(name)个工作日 逾期 \(after)")
        if inTime + after > 0 {
          html.label(String(inTime + after), x: Int(x + width / 2), y: base - low - high - 4, anchor: "middle")
        }
        html.label(name, x: Int(x + width / 2), y: base + 15, anchor: "middle")
      }
      html.label("工作日 working days", x: 20, y: base + 32, anchor: "start")
    }
  }

  private mutating func svg(width: Int, height: Int, _ body: (inout HTMLText) -> Void) {
    let attributes: [(StaticString, String)] = [
      ("xmlns", "http://www.w3.org/2000/svg"), ("role", "img"), ("width", "\(width)"), ("height", "\(height)"),
      ("viewBox", "0 0 \(width) \(height)"),
    ]
    element("svg", attributes, body)
  }

  private mutating func rectangle(x: Double, y: Int, width: Double, height: Int, _ color: String, _ title: String) {
    guard width > 0, height > 0 else { return }
    let tenths = { (value: Double) in
      let n = Int((value * 10).rounded()); return "\(n / 10).\(n % 10)"
    }
    let place: [(StaticString, String)] = [
      ("x", tenths(x)), ("y", "\(y)"), ("width", tenths(width)), ("height", "\(height)"), ("fill", color),
      ("stroke", "#555"), ("stroke-width", "0.4"),
    ]
    element("rect", place) { $0.element("title", title) }
  }

  private mutating func label(_ words: String, x: Int, y: Int, anchor: String) {
    element("text", words, [("x", "\(x)"), ("y", "\(y)"), ("text-anchor", anchor)])
  }

  private static func cut(_ name: String) -> String { name.count <= 24 ? name : name.prefix(23) + "…" }
}
