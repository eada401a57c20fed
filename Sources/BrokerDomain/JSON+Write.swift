/// Appends JSON text to bytes. The caller opens and closes what it opened; commas are put by themselves.
///
/// A page of a list is some three thousand members: what has a form of its own (a moment, an id) is written without a
/// string in between. Nobody can copy a writer, so that what it has written is handed on rather than copied.
package struct JSONWriter: ~Copyable {
  private var out: TextBuffer
  private var needsComma = false

  package init(capacity: Int = 1024) { out = TextBuffer(capacity: capacity) }

  /// What has been written so far.
  package var bytes: [UInt8] { Array(out.written) }

  /// The same at the end, without a copy.
  package consuming func finish() -> [UInt8] { out.take() }

  package var text: String { String(decoding: out.written, as: UTF8.self) }

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
    if let small = Int(exactly: value) {
      out.digits { $0.number(small, 1) }
    } else {
      out.append(String(value).utf8)
    }
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
    out.append(json)
  }

  package mutating func value(_ name: StaticString? = nil, _ json: JSON) {
    lead(name)
    append(json)
  }

  /// Members that are JSON already, without braces.
  package mutating func splice(_ members: ArraySlice<UInt8>) {
    guard !members.isEmpty else { return }
    comma()
    out.append(members)
    needsComma = true
  }

  package mutating func member(_ name: String, _ json: JSON) {
    comma()
    quote(name)
    out.append(UInt8(ascii: ":"))
    append(json)
    needsComma = true
  }

  private mutating func begin(_ name: StaticString?, _ bracket: UInt8) {
    lead(name)
    out.append(bracket)
    needsComma = false
  }

  private mutating func end(_ bracket: UInt8) {
    out.append(bracket)
    needsComma = true
  }

  private mutating func comma() {
    if needsComma { out.append(UInt8(ascii: ",")) }
  }

  /// The comma, the name and the colon.
  private mutating func lead(_ name: StaticString?) {
    let isNext = needsComma
    needsComma = true
    guard let name else {
      if isNext { out.append(UInt8(ascii: ",")) }
      return
    }
    let length = name.utf8CodeUnitCount
    out.write(upTo: length + 4) { memory in
      var at = 0
      if isNext {
        memory[at] = UInt8(ascii: ",")
        at += 1
      }
      memory[at] = UInt8(ascii: "\"")
      (memory + at + 1).update(from: name.utf8Start, count: length)
      at += length + 1
      memory[at] = UInt8(ascii: "\"")
      memory[at + 1] = UInt8(ascii: ":")
      return at + 2
    }
  }

  private mutating func word(_ text: StaticString) {
    out.append(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  private mutating func append(_ json: JSON) {
    switch json {
    case .null: word("null")
    case .bool(let value): word(value ? "true" : "false")
    case .number(let text): out.append(text.utf8)
    case .string(let text): quote(text)
    case .array(let values):
      out.append(UInt8(ascii: "["))
      for (index, value) in values.enumerated() {
        if index > 0 { out.append(UInt8(ascii: ",")) }
        append(value)
      }
      out.append(UInt8(ascii: "]"))
    case .object(let members):
      out.append(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        if index > 0 { out.append(UInt8(ascii: ",")) }
        quote(member.name)
        out.append(UInt8(ascii: ":"))
        append(member.value)
      }
      out.append(UInt8(ascii: "}"))
    }
    needsComma = true
  }

  private mutating func quote(_ text: String) {
    var text = text
    text.withUTF8 { utf8 in
      guard utf8.needsNoEscape else { return escape(utf8) }
      out.write(upTo: utf8.count + 2) { memory in
        memory[0] = UInt8(ascii: "\"")
        if let start = utf8.baseAddress { (memory + 1).update(from: start, count: utf8.count) }
        memory[utf8.count + 1] = UInt8(ascii: "\"")
        return utf8.count + 2
      }
    }
  }

  private mutating func escape(_ text: UnsafeBufferPointer<UInt8>) {
    out.append(UInt8(ascii: "\""))
    for byte in text { escape(byte) }
    out.append(UInt8(ascii: "\""))
  }

  private mutating func escape(_ byte: UInt8) {
    switch byte {
    case 0x22, 0x5C:
      out.append(0x5C)
      out.append(byte)
    case 0x0A: word("\\n")
    case 0x0D: word("\\r")
    case 0x09: word("\\t")
    case 0..<0x20:
      let hex = String(byte, radix: 16)
      out.append(("\\u" + String(repeating: "0", count: 4 - hex.count) + hex).utf8)
    default: out.append(byte)
    }
  }
}

/// What has a form of its own.
extension JSONWriter {
  package mutating func moment(_ name: StaticString? = nil, _ value: Instant?) {
    lead(name)
    guard let value else { return word("null") }
    out.append(UInt8(ascii: "\""))
    out.digits { $0.moment(value) }
    out.append(UInt8(ascii: "\""))
  }

  package mutating func date(_ name: StaticString? = nil, _ value: CalendarDate) {
    lead(name)
    out.append(UInt8(ascii: "\""))
    out.digits { $0.date(value) }
    out.append(UInt8(ascii: "\""))
  }

  /// An id number without its middle; see `Mask`.
  package mutating func masked(_ name: StaticString? = nil, _ idNumber: String) {
    guard Mask.isOfBytes(idNumber.utf8) else { return string(name, Mask.idNumber(idNumber)) }
    lead(name)
    out.append(UInt8(ascii: "\""))
    out.write(upTo: idNumber.utf8.count) { Mask.write(idNumber.utf8, to: $0) }
    out.append(UInt8(ascii: "\""))
  }

  /// An id, between what stands before and after it in the same text: neither needs an escape.
  package mutating func id(
    _ name: StaticString? = nil, _ value: EntityID?, after prefix: StaticString = "", before suffix: StaticString = ""
  ) {
    lead(name)
    guard let value else { return word("null") }
    out.append(UInt8(ascii: "\""))
    word(prefix)
    out.write(upTo: EntityID.length) { memory in
      value.write(UnsafeMutableBufferPointer(start: memory, count: EntityID.length))
      return EntityID.length
    }
    word(suffix)
    out.append(UInt8(ascii: "\""))
  }
}

extension JSON {
  package var bytes: [UInt8] {
    var writer = JSONWriter(capacity: 256)
    writer.value(nil, self)
    return writer.finish()
  }
}
