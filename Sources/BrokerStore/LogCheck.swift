internal import Glibc

/// Tells a damaged log from one that merely ends. SQLite takes the first frame that does not fit its checksum for the end
/// of the log, which is right where a crash left a commit half-written, and silently drops acknowledged commits where
/// something else spoilt the middle.
///
/// A commit begins only after the one before it was synced. So where the first frame of a commit follows a whole commit
/// frame, everything before it was on disk once, and a frame there that is not intact any more is damage
/// (sqlite.org/fileformat2.html#the_write_ahead_log). Of the last commit nobody can tell. What was given up and stays
/// behind the end of the log has no commit that another follows.
struct LogCheck {
  private static let headerBytes = 32
  private static let frameHeaderBytes = 24
  /// Frames that are read at once.
  private static let batch = 256

  private struct Sum: Equatable {
    var first: UInt32 = 0
    var second: UInt32 = 0
  }

  private struct Header {
    let isBigEndian: Bool
    let pageBytes: Int
    let salts: UInt64
    let sum: Sum
  }

  private let descriptor: Int32
  private let header: Header

  /// - Parameter path: of the log.
  /// - Returns: the byte at which the damage begins, or nil; also without a log.
  static func damage(_ path: String) -> Int? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: headerBytes)
    guard pread(descriptor, &bytes, headerBytes, 0) == headerBytes else { return nil }
    guard let header = bytes.withUnsafeBytes({ Self.header($0) }) else {
      // A file that was made longer and never synced reads as zeros, all of it.
      return bytes.contains { $0 != 0 } || !isZero(descriptor) ? 0 : nil
    }
    return LogCheck(descriptor: descriptor, header: header).damage()
  }

  private static func isZero(_ descriptor: Int32) -> Bool {
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = pread(descriptor, &bytes, bytes.count, off_t(headerBytes))
    return !bytes.prefix(max(0, count)).contains { $0 != 0 }
  }

  private static func header(_ bytes: UnsafeRawBufferPointer) -> Header? {
    let magic = word(bytes, 0)
    guard magic & ~1 == 0x377F_0682 else { return nil }
    var sum = Sum()
    add(UnsafeRawBufferPointer(rebasing: bytes[..<24]), isBigEndian: magic & 1 == 1, to: &sum)
    let pageBytes = Int(word(bytes, 8))
    guard sum == Sum(first: word(bytes, 24), second: word(bytes, 28)), pageBytes >= 512 else { return nil }
    return Header(isBigEndian: magic & 1 == 1, pageBytes: pageBytes, salts: long(bytes, 16), sum: sum)
  }

  private func damage() -> Int? {
    let frameBytes = Self.frameHeaderBytes + header.pageBytes
    var bytes = [UInt8](repeating: 0, count: frameBytes * Self.batch)
    var (at, before): (Int, Sum) = (Self.headerBytes, header.sum)
    var broken: Int?
    /// The page of the frame before, where that ended a commit: the broken one itself, or an intact one beyond it.
    var committed: UInt32?
    while true {
      let frames = pread(descriptor, &bytes, bytes.count, off_t(at)) / frameBytes
      guard frames > 0 else { return nil }
      for index in 0..<frames {
        let (sum, page, isCommit, isIntact) = bytes.withUnsafeBytes { all in
          look(
            at: UnsafeRawBufferPointer(rebasing: all[(index * frameBytes)..<((index + 1) * frameBytes)]), after: before)
        }
        if let broken {
          // The last page of a commit may stand there twice, to fill a sector.
          if isIntact, let committed, committed != page { return broken }
          committed = isIntact && isCommit ? page : nil
        } else if !isIntact {
          broken = at + index * frameBytes
          committed = isCommit ? page : nil
        }
        before = sum
      }
      at += frames * frameBytes
    }
  }

  private func look(
    at frame: UnsafeRawBufferPointer, after before: Sum
  ) -> (sum: Sum, page: UInt32, isCommit: Bool, isIntact: Bool) {
    let written = Sum(first: Self.word(frame, 16), second: Self.word(frame, 20))
    let (page, size) = (Self.word(frame, 0), Self.word(frame, 4))
    // Of a log that was begun anew, frames of before may follow.
    guard Self.long(frame, 8) == header.salts, page != 0 else { return (written, page, false, false) }
    var sum = before
    Self.add(UnsafeRawBufferPointer(rebasing: frame[..<8]), isBigEndian: header.isBigEndian, to: &sum)
    Self.add(
      UnsafeRawBufferPointer(rebasing: frame[Self.frameHeaderBytes...]), isBigEndian: header.isBigEndian, to: &sum)
    return (written, page, size != 0, sum == written)
  }

  private static func add(_ bytes: UnsafeRawBufferPointer, isBigEndian: Bool, to sum: inout Sum) {
    var (first, second) = (sum.first, sum.second)
    for at in stride(from: 0, to: bytes.count - 7, by: 8) {
      let one = bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)
      let two = bytes.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self)
      first &+= (isBigEndian ? UInt32(bigEndian: one) : UInt32(littleEndian: one)) &+ second
      second &+= (isBigEndian ? UInt32(bigEndian: two) : UInt32(littleEndian: two)) &+ first
    }
    sum = Sum(first: first, second: second)
  }

  private static func word(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> UInt32 {
    UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self))
  }

  private static func long(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> UInt64 {
    UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
  }
}
