/// One sentence in the two languages of the house: Chinese for clerks and departments, English second.
package struct Phrase: Sendable, Equatable {
  package let zh: String
  package let en: String

  package init(_ zh: String, _ en: String) {
    self.zh = zh
    self.en = en
  }

  /// "1 row", "2 rows".
  package static func count(_ number: some BinaryInteger, _ noun: String) -> String {
    "\(number) \(noun)\(number == 1 ? "" : "s")"
  }

  package func text(_ language: Language) -> String { language == .zh ? zh : en }

  /// What stands after a date that a year's notice may still move; nothing after any other.
  package static func mark(provisional: Bool) -> Phrase {
    provisional ? Phrase("（暂定）", " (provisional)") : Phrase("", "")
  }
}

package enum Language: String, Sendable, CaseIterable {
  case zh = "zh-CN"
  case en
}

/// One thing wrong with a body, at one place of it. `pointer` is an RFC 6901 JSON pointer.
package struct Fault: Sendable, Equatable, Error {
  package let pointer: String
  package let code: String
  package let detail: Phrase

  package init(_ pointer: String, code: String = "invalid-body", _ zh: String, _ en: String) {
    self.pointer = pointer
    self.code = code
    self.detail = Phrase(zh, en)
  }
}
