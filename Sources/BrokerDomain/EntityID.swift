/// The name of a request or an endpoint: a UUIDv7 (RFC 9562). Its first 60 free bits (48 of milliseconds, 12 of a counter) are unique
/// by themselves within one broker and serve as the integer key of its row, so that no second index is
/// needed and the B-tree grows at its right edge; the 62 random bits keep a stranger from guessing an id.
package struct EntityID: Sendable, Hashable, CustomStringConvertible {
  /// 48 bits of Unix milliseconds, then 12 bits of counter.
  package let key: Int64
  /// 62 random bits.
  package let tail: Int64

  package init(key: Int64, tail: Int64) {
    self.key = key
    self.tail = tail & 0x3FFF_FFFF_FFFF_FFFF
  }

  /// The least key that an id made after `moment` may have.
  package static func firstKey(after moment: Instant) -> Int64 { (moment.milliseconds + 1) << 12 }

  package init?(_ text: some StringProtocol) {
    guard let (high, low) = UUIDText.parse(text), (high >> 12) & 0xF == 7, low >> 62 == 2 else {
      return nil
    }
    key = Int64(((high >> 16) << 12) | (high & 0xFFF))
    tail = Int64(low & 0x3FFF_FFFF_FFFF_FFFF)
  }

  package var description: String {
    String(unsafeUninitializedCapacity: Self.length) { out in
      write(out)
      return Self.length
    }
  }

  /// Characters of its text.
  static let length = 36

  func write(_ out: UnsafeMutableBufferPointer<UInt8>) {
    let k = UInt64(key)
    UUIDText.write(((k >> 12) << 16) | 0x7000 | (k & 0xFFF), (2 << 62) | UInt64(tail), out)
  }
}

/// Ids that are computed from what they name rather than stored: an event by its sequence number, a delivery by
/// endpoint and sequence number. UUIDv7 as well, so they sort by time.
package enum DerivedID {
  package static func event(seq: Int64, at: Instant) -> String {
    EntityID(key: (at.milliseconds << 12) | (seq & 0xFFF), tail: seq).description
  }

  /// The endpoint's key fills the place of the time, so deliveries sort by endpoint, as their table is clustered.
  package static func delivery(endpoint: Int64, seq: Int64) -> String {
    EntityID(key: endpoint, tail: seq).description
  }

  package static func parseDelivery(_ text: some StringProtocol) -> (endpoint: Int64, seq: Int64)? {
    EntityID(text).map { ($0.key, $0.tail) }
  }
}

package enum UUIDText {
  package static func format(_ high: UInt64, _ low: UInt64) -> String {
    String(unsafeUninitializedCapacity: 36) { out in
      write(high, low, out)
      return 36
    }
  }

  fileprivate static func write(_ high: UInt64, _ low: UInt64, _ out: UnsafeMutableBufferPointer<UInt8>) {
    var at = 0
    for position in 0..<32 {
      if position == 8 || position == 12 || position == 16 || position == 20 {
        out[at] = UInt8(ascii: "-")
        at += 1
      }
      let word = position < 16 ? high : low
      let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - position % 16 * 4)) & 0xF
      out[at] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
      at += 1
    }
  }

  package static func parse(_ text: some StringProtocol) -> (UInt64, UInt64)? {
    let b = Array(text.utf8)
    guard b.count == 36 else { return nil }
    var words: (UInt64, UInt64) = (0, 0)
    var position = 0
    for (at, byte) in b.enumerated() {
      if at == 8 || at == 13 || at == 18 || at == 23 {
        guard byte == UInt8(ascii: "-") else { return nil }
        continue
      }
      let value: UInt64
      switch byte {
      case 48...57: value = UInt64(byte - 48)
      case 97...102: value = UInt64(byte - 87)
      case 65...70: value = UInt64(byte - 55)
      default: return nil
      }
      if position < 16 { words.0 = (words.0 << 4) | value } else { words.1 = (words.1 << 4) | value }
      position += 1
    }
    return words
  }
}
