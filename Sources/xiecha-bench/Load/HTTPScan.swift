internal import Foundation

/// Just enough HTTP to know where a message ends: keep-alive, Content-Length, no chunks.
enum HTTPScan {
  private static let name: StaticString = "content-length:"

  /// Bytes of head and body together, or nil while the head is incomplete.
  static func length(_ bytes: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int? {
    var (at, body) = (0, 0)
    while at < count, let end = memchr(bytes + at, 10, count - at) {
      let next = end.assumingMemoryBound(to: UInt8.self) - bytes + 1
      if next - at == 2 { return next + body }
      if next - at > name.utf8CodeUnitCount, let value = contentLength(bytes + at, next - at) { body = value }
      at = next
    }
    return nil
  }

  private static func contentLength(_ line: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int? {
    guard line[0] | 0x20 == UInt8(ascii: "c"), line[8] | 0x20 == UInt8(ascii: "l") else { return nil }
    for index in 0..<name.utf8CodeUnitCount where line[index] | 0x20 != name.utf8Start[index] | 0x20 { return nil }
    var (at, value) = (name.utf8CodeUnitCount, 0)
    while at < count, line[at] == 32 { at += 1 }
    while at < count, (48...57).contains(line[at]) {
      value = value * 10 + Int(line[at] - 48)
      at += 1
    }
    return value
  }
}
