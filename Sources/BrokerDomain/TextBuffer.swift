/// Text as bytes, appended a piece at a time into memory that is there already: an array that grows by single bytes
/// asks of each of them whether there is room, and whose it is.
struct TextBuffer: ~Copyable {
  /// Longer than what is written, nearly always.
  private var storage: [UInt8]
  private var count = 0

  /// Moments and numbers are no longer than this.
  private static let longestDigits = 40

  init(capacity: Int) { storage = [UInt8](repeating: 0, count: max(64, capacity)) }

  var written: ArraySlice<UInt8> { storage[..<count] }

  /// What was written, without a copy.
  consuming func take() -> [UInt8] {
    storage.removeLast(storage.count - count)
    return storage
  }

  /// Appends as many bytes as `body` says that it has written, at most `room`.
  @inline(__always)
  mutating func write(upTo room: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Int) {
    if storage.count - count < room { grow(by: room) }
    let end = count
    let written = storage.withUnsafeMutableBufferPointer { buffer in
      // There is room now, so there is an address.
      buffer.baseAddress.map { body($0 + end) } ?? 0
    }
    count = end + written
  }

  private mutating func grow(by room: Int) {
    storage.append(contentsOf: repeatElement(0, count: max(storage.count, room)))
  }

  @inline(__always)
  mutating func append(_ byte: UInt8) {
    if count == storage.count { grow(by: 1) }
    storage[count] = byte
    count += 1
  }

  mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard let start = bytes.baseAddress else { return }
    write(upTo: bytes.count) { out in
      out.update(from: start, count: bytes.count)
      return bytes.count
    }
  }

  mutating func append(_ bytes: some Collection<UInt8>) {
    if bytes.withContiguousStorageIfAvailable({ append($0) }) == nil { for byte in bytes { append(byte) } }
  }

  mutating func digits(_ body: (inout DigitWriter) -> Void) {
    write(upTo: Self.longestDigits) { out in
      var text = DigitWriter(UnsafeMutableBufferPointer(start: out, count: Self.longestDigits))
      body(&text)
      return text.count
    }
  }
}

extension UnsafeBufferPointer<UInt8> {
  /// No quote, no backslash, no control character. Eight at a time: most of what a page holds are texts.
  var needsNoEscape: Bool {
    var at = 0
    if let start = baseAddress {
      let raw = UnsafeRawPointer(start)
      while at + 8 <= count {
        let word = raw.loadUnaligned(fromByteOffset: at, as: UInt64.self)
        if !word.isPlain { return false }
        at += 8
      }
    }
    while at < count {
      guard self[at] >= 0x20, self[at] != 0x22, self[at] != 0x5C else { return false }
      at += 1
    }
    return true
  }
}

extension UnsafeBufferPointer<UInt8> {
  /// The next eight bytes, where none of them ends a string or has to be looked at by itself: 0x80 when they are not all
  /// ASCII, and how many they are.
  @inline(__always)
  func plainWord(at: Int) -> (bits: UInt8, count: Int)? {
    guard at + 8 <= count, let start = baseAddress else { return nil }
    let word = UnsafeRawPointer(start).loadUnaligned(fromByteOffset: at, as: UInt64.self)
    guard word.isPlain else { return nil }
    return (word & 0x8080_8080_8080_8080 == 0 ? 0 : 0x80, 8)
  }

  /// The same bytes, in the same order.
  func hasBytes(of other: Self) -> Bool {
    guard count == other.count else { return false }
    guard let a = UnsafeRawPointer(baseAddress), let b = UnsafeRawPointer(other.baseAddress) else { return true }
    var at = 0
    while at + 8 <= count {
      guard
        a.loadUnaligned(fromByteOffset: at, as: UInt64.self) == b.loadUnaligned(fromByteOffset: at, as: UInt64.self)
      else { return false }
      at += 8
    }
    while at < count {
      guard self[at] == other[at] else { return false }
      at += 1
    }
    return true
  }
}

extension UInt64 {
  /// Eight bytes without a quote, a backslash or a control character.
  @inline(__always)
  fileprivate var isPlain: Bool {
    !hasByte(below: 0x20) && !(self ^ 0x2222_2222_2222_2222).hasByte(below: 1)
      && !(self ^ 0x5C5C_5C5C_5C5C_5C5C).hasByte(below: 1)
  }

  /// One of its eight bytes is less than `limit`, which is at most 128.
  @inline(__always)
  fileprivate func hasByte(below limit: UInt64) -> Bool {
    (self &- 0x0101_0101_0101_0101 &* limit) & ~self & 0x8080_8080_8080_8080 != 0
  }
}
