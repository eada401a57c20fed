extension JSON {
  /// Nesting deeper than this is refused: no message of ours comes near it, and recursion must be bounded.
  package static let maximumDepth = 32

  package static func parse(_ bytes: [UInt8]) throws(JSONFault) -> JSON {
    var fault: JSONFault?
    let value = bytes.withUnsafeBufferPointer { buffer -> JSON? in
      var reader = JSONReader(bytes: buffer)
      do throws(JSONFault) {
        return try reader.document()
      } catch {
        fault = error
        return nil
      }
    }
    if let value { return value }
    throw fault ?? JSONFault(line: 1, column: 1, what: Phrase("空", "empty"))
  }
}

private struct JSONReader {
  let bytes: UnsafeBufferPointer<UInt8>
  var at = 0

  init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  mutating func document() throws(JSONFault) -> JSON {
    let value = try value(depth: 0)
    skipSpace()
    guard at == bytes.count else {
      throw fault("结尾之后还有内容", "there is more after the end of the value")
    }
    return value
  }

  private func fault(_ zh: String, _ en: String) -> JSONFault {
    var line = 1
    var column = 1
    for byte in bytes[..<min(at, bytes.count)] {
      if byte == 10 {
        line += 1
        column = 1
      } else if byte & 0xC0 != 0x80 {
        column += 1
      }
    }
    return JSONFault(line: line, column: column, what: Phrase(zh, en))
  }

  private mutating func skipSpace() {
    while at < bytes.count {
      switch bytes[at] {
      case 0x20, 0x0A, 0x0D, 0x09: at += 1
      default: return
      }
    }
  }

  private mutating func value(depth: Int) throws(JSONFault) -> JSON {
    skipSpace()
    guard at < bytes.count else { throw fault("内容不完整", "the text ends too early") }
    let opens = bytes[at] == UInt8(ascii: "{") || bytes[at] == UInt8(ascii: "[")
    guard !opens || depth < JSON.maximumDepth else {
      throw fault("嵌套超过\(JSON.maximumDepth)层", "nested deeper than \(JSON.maximumDepth) levels")
    }
    switch bytes[at] {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "-"), 48...57: return .number(try number())
    default: throw fault("此处应为一个JSON值", "a JSON value was expected here")
    }
  }

  private mutating func word(_ text: StaticString, _ value: JSON) throws(JSONFault) -> JSON {
    let end = at + text.utf8CodeUnitCount
    guard end <= bytes.count else { throw fault("内容不完整", "the text ends too early") }
    for i in 0..<text.utf8CodeUnitCount where bytes[at + i] != text.utf8Start[i] {
      throw fault("此处应为一个JSON值", "a JSON value was expected here")
    }
    at = end
    return value
  }

  private mutating func object(depth: Int) throws(JSONFault) -> JSON {
    at += 1
    var members: [JSON.Member] = []
    // Comparing each name with all before it is quickest for a few, but a body of members alone would take their square.
    var names: Set<String> = []
    skipSpace()
    if at < bytes.count, bytes[at] == UInt8(ascii: "}") {
      at += 1
      return .object(members)
    }
    while true {
      skipSpace()
      guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else {
        throw fault("此处应为成员名", "a member name was expected here")
      }
      let name = try string()
      if members.count == 16 { names = Set(members.map(\.name)) }
      let isNew = members.count < 16 ? !members.contains { $0.name == name } : names.insert(name).inserted
      guard isNew else {
        throw fault("成员“\(name)”重复", "the member \"\(name)\" occurs twice")
      }
      skipSpace()
      guard at < bytes.count, bytes[at] == UInt8(ascii: ":") else {
        throw fault("此处应为冒号", "a colon was expected here")
      }
      at += 1
      members.append(JSON.Member(name, try value(depth: depth + 1)))
      if try close(UInt8(ascii: "}")) { return .object(members) }
    }
  }

  private mutating func array(depth: Int) throws(JSONFault) -> JSON {
    at += 1
    var values: [JSON] = []
    skipSpace()
    if at < bytes.count, bytes[at] == UInt8(ascii: "]") {
      at += 1
      return .array(values)
    }
    while true {
      values.append(try value(depth: depth + 1))
      if try close(UInt8(ascii: "]")) { return .array(values) }
    }
  }

  /// After a member or an element: a comma (false) or the closing bracket (true).
  private mutating func close(_ bracket: UInt8) throws(JSONFault) -> Bool {
    skipSpace()
    guard at < bytes.count else { throw fault("内容不完整", "the text ends too early") }
    if bytes[at] == bracket {
      at += 1
      return true
    }
    guard bytes[at] == UInt8(ascii: ",") else {
      throw fault("此处应为逗号或结束括号", "a comma or a closing bracket was expected here")
    }
    at += 1
    return false
  }

  private mutating func number() throws(JSONFault) -> String {
    let start = at
    if bytes[at] == UInt8(ascii: "-") { at += 1 }
    let whole = try run()
    if bytes[whole] == 48, at - whole > 1 { throw fault("数字不能以0开头", "a number must not start with 0") }
    if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
      at += 1
      _ = try run()
    }
    if at < bytes.count, bytes[at] | 0x20 == UInt8(ascii: "e") {
      at += 1
      if at < bytes.count, bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-") { at += 1 }
      _ = try run()
    }
    return String(decoding: bytes[start..<at], as: UTF8.self)
  }

  /// At least one digit; returns where they began.
  private mutating func run() throws(JSONFault) -> Int {
    let start = at
    while at < bytes.count, (48...57).contains(bytes[at]) { at += 1 }
    guard at > start else { throw fault("此处应为数字", "a digit was expected here") }
    return start
  }

  private mutating func string() throws(JSONFault) -> String {
    at += 1
    let start = at
    var seen: UInt8 = 0
    while at < bytes.count {
      if let (word, count) = bytes.plainWord(at: at) {
        seen |= word
        at += count
        continue
      }
      let byte = bytes[at]
      if byte == UInt8(ascii: "\"") {
        let text = Self.text(UnsafeBufferPointer(rebasing: bytes[start..<at]), isASCII: seen < 0x80)
        guard let text else { throw fault("不是有效的UTF-8", "this is not valid UTF-8") }
        at += 1
        return text
      }
      if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
      guard byte >= 0x20 else {
        throw fault("字符串中有控制字符", "a control character must be escaped in a string")
      }
      seen |= byte
      at += 1
    }
    throw fault("字符串没有结束", "the string does not end")
  }

  /// Nil when the bytes are not UTF-8. `String(validating:as:)` is generic and slow; decoding repairs what is not
  /// UTF-8, and a repair changes bytes.
  private static func text(_ source: UnsafeBufferPointer<UInt8>, isASCII: Bool) -> String? {
    let text = String(decoding: source, as: UTF8.self)
    if isASCII { return text }
    let isFaithful = text.utf8.withContiguousStorageIfAvailable { decoded in
      decoded.hasBytes(of: source)
    }
    return isFaithful ?? text.utf8.elementsEqual(source) ? text : nil
  }

  private mutating func escapedString(from start: Int) throws(JSONFault) -> String {
    var out = Array(bytes[start..<at])
    while at < bytes.count {
      let byte = bytes[at]
      if byte == UInt8(ascii: "\"") {
        at += 1
        guard let text = out.withUnsafeBufferPointer({ Self.text($0, isASCII: false) }) else {
          throw fault("不是有效的UTF-8", "this is not valid UTF-8")
        }
        return text
      }
      guard byte >= 0x20 else {
        throw fault("字符串中有控制字符", "a control character must be escaped in a string")
      }
      at += 1
      guard byte == UInt8(ascii: "\\") else {
        out.append(byte)
        continue
      }
      guard at < bytes.count else { break }
      let escape = bytes[at]
      at += 1
      switch escape {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(escape)
      case UInt8(ascii: "b"): out.append(8)
      case UInt8(ascii: "f"): out.append(12)
      case UInt8(ascii: "n"): out.append(10)
      case UInt8(ascii: "r"): out.append(13)
      case UInt8(ascii: "t"): out.append(9)
      case UInt8(ascii: "u"): out.append(contentsOf: String(try unicode()).utf8)
      default: throw fault("未知的转义", "this escape does not exist")
      }
    }
    throw fault("字符串没有结束", "the string does not end")
  }

  private mutating func unicode() throws(JSONFault) -> Unicode.Scalar {
    let first = try hex4()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard (0xD800...0xDBFF).contains(first), at + 1 < bytes.count,
      bytes[at] == UInt8(ascii: "\\"), bytes[at + 1] == UInt8(ascii: "u")
    else { throw fault("孤立的代理码位", "a surrogate stands alone") }
    at += 2
    let second = try hex4()
    guard (0xDC00...0xDFFF).contains(second),
      let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
    else { throw fault("孤立的代理码位", "a surrogate stands alone") }
    return scalar
  }

  private mutating func hex4() throws(JSONFault) -> UInt32 {
    guard at + 4 <= bytes.count else { throw fault("内容不完整", "the text ends too early") }
    var value: UInt32 = 0
    for _ in 0..<4 {
      let byte = bytes[at]
      switch byte {
      case 48...57: value = (value << 4) | UInt32(byte - 48)
      case 97...102: value = (value << 4) | UInt32(byte - 87)
      case 65...70: value = (value << 4) | UInt32(byte - 55)
      default: throw fault("\\u之后应有四位十六进制数", "four hexadecimal digits must follow \\u")
      }
      at += 1
    }
    return value
  }
}
