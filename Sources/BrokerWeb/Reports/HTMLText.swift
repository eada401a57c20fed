/// HTML as it is written. Whatever is not markup of ours goes in escaped.
struct HTMLText: Sendable {
  private(set) var text = ""

  /// Markup of ours, which is always a literal.
  mutating func raw(_ markup: StaticString) { text += "\(markup)" }

  mutating func put(_ words: String) { text += Self.escape(words) }

  mutating func element(_ name: StaticString, _ words: String, _ attributes: [(StaticString, String)] = []) {
    element(name, attributes) { $0.put(words) }
  }

  mutating func element(
    _ name: StaticString, _ attributes: [(StaticString, String)] = [], _ body: (inout HTMLText) -> Void
  ) {
    text += "<\(name)"
    for (attribute, value) in attributes { text += " \(attribute)=\"\(Self.escape(value))\"" }
    text += ">"
    body(&self)
    text += "</\(name)>"
  }

  /// A row of cells; numbers stand right.
  mutating func row(_ cells: [String], heading: Bool = false, numbersFrom first: Int = 1) {
    element("tr") { html in
      for (index, cell) in cells.enumerated() {
        html.element(heading ? "th" : "td", cell, index >= first ? [("class", "n")] : [])
      }
    }
  }

  static func escape(_ words: String) -> String {
    var out = ""
    for character in words.unicodeScalars {
      switch character {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\"": out += "&quot;"
      case "'": out += "&#39;"
      default: out.unicodeScalars.append(character)
      }
    }
    return out
  }

  /// A whole page, by itself: nothing is loaded from anywhere, and it prints on A4.
  static func page(title: String, wide: Bool, _ body: (inout HTMLText) -> Void) -> String {
    var html = HTMLText()
    html.raw("<!DOCTYPE html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\">")
    html.element("title", title)
    html.raw("<style>")
    html.raw(style)
    html.raw(wide ? "@page{size:A4 landscape;margin:14mm}" : "@page{size:A4;margin:37mm 26mm 35mm 28mm}")
    html.raw("</style></head>")
    html.element("body", [("class", wide ? "wide" : "paper")], body)
    html.raw("</html>\n")
    return html.text
  }

  /// Documents in the type of GB/T 9704 (党政机关公文格式): title in 小标宋, body in 仿宋, where the machine has them.
  private static let style: StaticString = """
    *{box-sizing:border-box}body{margin:0 auto;padding:24px;color:#111;background:#fff;line-height:1.5;\
    font-family:"Noto Sans CJK SC","Source Han Sans SC","Microsoft YaHei","PingFang SC",sans-serif;font-size:14px}\
    .wide{max-width:1180px}.paper{max-width:820px;font-family:FangSong,"仿宋",STFangsong,"Noto Serif CJK SC",serif;\
    font-size:21px;line-height:1.75}h1{font-size:22px;margin:0 0 4px}.paper h1{font-family:"方正小标宋简体",SimSun,\
    "Noto Serif CJK SC",serif;font-size:29px;text-align:center;font-weight:bold;margin:24px 0 32px;line-height:1.4}\
    h2{font-size:16px;margin:22px 0 6px;break-after:avoid}.paper h2{font-family:SimHei,"黑体","Noto Sans CJK SC",\
    sans-serif;font-size:21px;font-weight:normal;margin:14px 0 0;text-indent:2em}.paper p{margin:0;text-indent:2em}\
    .paper p.to{text-indent:0}.paper .sign{text-align:right;text-indent:0;padding-right:2em}.en{color:#555;\
    font-size:12px}table{border-collapse:collapse;width:100%;margin:8px 0;font-size:12.5px;line-height:1.35}\
    .wide th,.wide td{padding:3px 4px}.wide thead tr+tr th{font-size:9.5px;font-weight:400;color:#444}\
    .paper table{font-size:16px;margin:12px 0}th,td{border:1px solid #888;padding:3px 6px;text-align:left;\
    vertical-align:top}th{background:#eef1f5;font-weight:600}td.n,th.n{text-align:right}tr{break-inside:avoid}\
    thead{display:table-header-group}tr.sum td{font-weight:600;background:#f7f7f7}.bad{color:#b00020;font-weight:600}\
    svg{max-width:100%;height:auto;display:block}svg text{font-size:12px;fill:#222;font-family:inherit}\
    .key span{display:inline-block;margin-right:14px;font-size:12px}.key i{display:inline-block;width:11px;\
    height:11px;margin-right:4px;vertical-align:-1px}@media print{body{padding:0;max-width:none}th{background:#eee}\
    *{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
    """
}
