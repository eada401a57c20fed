/// A Swift file taken apart as far as the rules need: its code without comments and strings, and its string literals.
struct SourceText {
  struct Literal {
    let line: Int
    let text: String
  }

  /// Lines of code; comments and the contents of strings are blank. Interpolated code stays.
  private(set) var code: [String] = [""]
  private(set) var literals: [Literal] = []

  private let input: [Character]
  private var at = 0

  init(_ text: String) {
    input = Array(text)
    while at < input.count { step() }
  }

  private func peek(_ offset: Int = 0) -> Character? {
    at + offset < input.count ? input[at + offset] : nil
  }

  private func starts(_ text: String, _ offset: Int = 0) -> Bool {
    text.enumerated().allSatisfy { peek(offset + $0.offset) == $0.element }
  }

  private mutating func emit(_ character: Character) {
    if character.isNewline { code.append("") } else { code[code.count - 1].append(character) }
  }

  /// One token that matters, or one character of code.
  private mutating func step() {
    if starts("//") { return lineComment() }
    if starts("/*") { return blockComment() }
    var hashes = 0
    while peek(hashes) == "#" { hashes += 1 }
    if peek(hashes) == "\"" { return string(hashes) }
    emit(input[at])
    at += 1
  }

  private mutating func lineComment() {
    while let character = peek(), !character.isNewline { at += 1 }
  }

  private mutating func blockComment() {
    var depth = 0
    repeat {
      if starts("/*") {
        depth += 1
        at += 2
      } else if starts("*/") {
        depth -= 1
        at += 2
      } else {
        if let character = peek(), character.isNewline { emit(character) }
        at += 1
      }
    } while depth > 0 && at < input.count
  }

  private mutating func string(_ hashes: Int) {
    let line = code.count
    let fence = String(repeating: "#", count: hashes)
    at += hashes
    let quote = starts("\"\"\"") ? "\"\"\"" : "\""
    at += quote.count
    var text = ""
    emit("\"")
    while at < input.count, !starts(quote + fence) {
      if starts("\\" + fence + "(") {
        at += 2 + hashes
        text.append(" ")
        interpolation()
      } else if starts("\\" + fence) {
        at += 1 + hashes
        if let character = peek() {
          text.append(character.isNewline || character == "n" ? "\n" : character)
          if character.isNewline { emit(character) }
          at += 1
        }
      } else {
        text.append(input[at])
        if input[at].isNewline { emit(input[at]) }
        at += 1
      }
    }
    at += quote.count + hashes
    emit("\"")
    literals.append(Literal(line: line, text: text))
  }

  /// Code inside of a string, up to its closing parenthesis.
  private mutating func interpolation() {
    var depth = 1
    while at < input.count {
      if peek() == "(" { depth += 1 }
      if peek() == ")" { depth -= 1 }
      if depth == 0 {
        at += 1
        return
      }
      step()
    }
  }
}

extension String {
  /// The words of a line of code: letters, digits and underscores together.
  var words: [Substring] { split { !($0.isLetter || $0.isNumber || $0 == "_") } }
}
