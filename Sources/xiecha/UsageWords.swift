/// What the parser says of words that it cannot take, in English alone: put into Chinese before that.
enum UsageWords {
  private static let mark = "Error: "

  /// How a message of the parser begins, and how it is said of what it quotes.
  private static let known: [(begins: String, zh: @Sendable (String) -> String)] = [
    ("Unknown option ", { "没有 \($0) 这一选项" }), ("Missing value for ", { "\($0) 缺少取值" }),
    ("Missing expected argument ", { "缺少 \($0)" }), ("Missing one of: ", { _ in "缺少所列之一" }),
    ("Unexpected argument ", { "多余的参数 \($0)" }), ("The value ", { "取值 \($0) 不合要求" }),
    ("The option ", { "选项 \($0) 不带取值" }), ("Value to be set with ", { _ in "选项重复或者互相冲突" }),
  ]

  /// - Parameter text: the whole message, usage included. What a command found by itself is in both languages already.
  static func inBothLanguages(_ text: String) -> String {
    let first = text.prefix { $0 != "\n" }
    guard text.hasPrefix(mark), !first.contains(" / ") else { return text }
    let words = first.dropFirst(mark.count)
    let quoted = words.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false).dropFirst().first ?? ""
    let zh =
      known.first { words.hasPrefix($0.begins) }?.zh(String(quoted))
      ?? (words.contains("unexpected arguments") ? "有多余的参数" : "用法有误")
    return "\(mark)\(zh) / \(text.dropFirst(mark.count))"
  }
}
