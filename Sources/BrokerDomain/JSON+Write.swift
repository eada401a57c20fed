/// Appends JSON text to bytes. The caller opens and closes what it opened; commas are put by themselves.
package struct JSONWriter {
  package private(set) var bytes: [UInt8] = []
  private var needsComma = false

  package init(capacity: Int = 1024) { bytes.reserveCapacity(capacity) }

  package var text: String { String(decoding: bytes, as: UTF8.self) }

  package mutating func object(_ name: StaticString? = nil, _ body: (inout JSONWriter) -> Void) {
    begin(name, UInt8(ascii: "{"))
    body(&self)
    end(UInt8(ascii: "}"))
  }

  package mutating func array(_ name: StaticString? = nil, _ body: (inout JSONWriter) -> Void) {
    begin(name, UInt8(ascii: "["))
    body(&self)
    end(UInt8(ascii: "]"))
  }

  package mutating func string(_ name: StaticString? = nil, _ value: String?) {
    lead(name)
    guard let value else { return word("null") }
    quote(value)
  }

  package mutating func int(_ name: StaticString? = nil, _ value: (some BinaryInteger)?) {
    lead(name)
    guard let value else { return word("null") }
    bytes.append(contentsOf: String(value).utf8)
  }

  package mutating func bool(_ name: StaticString? = nil, _ value: Bool) {
    lead(name)
    word(value ? "true" : "false")
  }

  package mutating func null(_ name: StaticString? = nil) {
    lead(name)
    word("null")
  }

  package mutating func phrase(_ name: StaticString? = nil, _ value: Phrase) {
    object(name) { w in
      w.string("zh", value.zh)
      w.string("en", value.en)
    }
  }

  /// Text that is JSON already; the caller answers for it.
  package mutating func raw(_ name: StaticString? = nil, _ json: [UInt8]) {
    lead(name)
    bytes.append(contentsOf: json)
  }

  package mutating func value(_ name: StaticString? = nil, _ json: JSON) {
    lead(name)
    append(json)
  }

  /// Members that are JSON already, without braces.
  mutating func splice(_ members: ArraySlice<UInt8>) {
    guard !members.isEmpty else { return }
    comma()
    bytes.append(contentsOf: members)
    needsComma = true
  }

  package mutating func member(_ name: String, _ json: JSON) {
    comma()
    quote(name)
    bytes.append(UInt8(ascii: ":"))
    append(json)
    needsComma = true
  }

  private mutating func begin(_ name: StaticString?, _ bracket: UInt8) {
    lead(name)
    bytes.append(bracket)
    needsComma = false
  }

  private mutating func end(_ bracket: UInt8) {
    bytes.append(bracket)
    needsComma = true
  }

  private mutating func comma() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
  }

  private mutating func lead(_ name: StaticString?) {
    comma()
    if let name {
      bytes.append(UInt8(ascii: "\""))
      bytes.append(
        contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
      bytes.append(UInt8(ascii: "\""))
      bytes.append(UInt8(ascii: ":"))
    }
    needsComma = true
  }

  private mutating func word(_ text: StaticString) {
    bytes.append(
      contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  private mutating func append(_ json: JSON) {
    switch json {
    case .null: word("null")
    case .bool(let value): word(value ? "true" : "false")
    case .number(let text): bytes.append(contentsOf: text.utf8)
    case .string(let text): quote(text)
    case .array(let values):
      bytes.append(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        append(value)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let members):
      bytes.append(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        quote(member.name)
        bytes.append(UInt8(ascii: ":"))
        append(member.value)
      }
      bytes.append(UInt8(ascii: "}"))
    }
    needsComma = true
  }

  private mutating func quote(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    var text = text
    text.withUTF8 { utf8 in
      if utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C }) {
        bytes.append(contentsOf: utf8)
      } else {
        for byte in utf8 { escape(byte) }
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func escape(_ byte: UInt8) {
    switch byte {
    case 0x22, 0x5C:
      bytes.append(0x5C)
      bytes.append(byte)
    case 0x0A: bytes.append(contentsOf: "\\n".utf8)
    case 0x0D: bytes.append(contentsOf: "\\r".utf8)
    case 0x09: bytes.append(contentsOf: "\\t".utf8)
    case 0..<0x20:
      let hex = String(byte, radix: 16)
      bytes.append(contentsOf: ("\\u" + String(repeating: "0", count: 4 - hex.count) + hex).utf8)
    default: bytes.append(byte)
    }
  }
}

extension JSON {
  package var bytes: [UInt8] {
    var writer = JSONWriter(capacity: 256)
    writer.value(nil, self)
    return writer.bytes
  }
}
