internal import COpenSSL

/// Which connection carries several pushes at once.
///
/// libcurl remembers of a host that it speaks HTTP/2, not of each connection: where one port serves both (a load balancer
/// before old and new servers), it puts a push on an HTTP/1.1 connection on which another one waits for its answer, and
/// whichever reads first takes it. So before each request is sent, the handshake of its connection is asked what it has
/// agreed on. A push that finds another one on a connection of HTTP/1.1 is not sent there; and a host that was met speaking
/// that is spoken to in nothing else for a day, for libcurl shares no connection then.
///
/// Used on the curl thread alone.
final class Connections {
  /// Pushes under way on one connection.
  private struct Load {
    var pushes = 0
    /// Of the first of them.
    var line: Int64?
    /// They belong to several endpoints, or have since the connection was last idle.
    var isMixed = false
    /// It was made for one push.
    var isExclusive = false
  }

  /// Where a push that has found a connection is sent.
  enum Place {
    case here
    /// On a connection of its own that speaks HTTP/1.1.
    case onHTTP11
    /// On a connection of its own, in whatever that agrees on.
    case afresh
  }

  /// By the TLS session of the connection.
  private var busy: [UnsafeMutableRawPointer: Load] = [:]
  /// Hosts that do not speak HTTP/2 on every connection, until when by the monotonic clock.
  private var single: [String: Int64] = [:]

  private static let remembered: Int64 = 86_400_000_000
  /// Hosts that are remembered; with more, all are met anew.
  private static let most = 10_000

  /// Of an https URL the host with its port. What libcurl takes for the same host in another spelling (127.1) is met on its
  /// own.
  static func origin(_ url: String) -> String {
    guard let mark = url.firstRange(of: "://") else { return url.lowercased() }
    let end = url[mark.upperBound...].firstIndex { "/?#".contains($0) } ?? url.endIndex
    let host = url[mark.upperBound..<end].lowercased()
    return host.hasSuffix(":443") ? String(host.dropLast(4)) : host
  }

  /// Whether a push may go out beside others on one connection, where its handshake agrees on HTTP/2.
  func maySpeakHTTP2(_ origin: String, now: Int64) -> Bool { single[origin].map { $0 <= now } ?? true }

  /// A push is about to go out, asking for HTTP/2. It must not where another one waits for its answer on HTTP/1.1, or has
  /// ended a moment ago and was not collected yet; nor where another one has shown to be better off alone.
  /// - Parameter alone: the connection was made for it.
  func take(
    _ session: UnsafeMutableRawPointer, _ origin: String, of line: Int64?, alone: Bool, now: Int64
  ) -> Place {
    if copenssl_speaks_http2(session) != 1 {
      note(origin, now: now)
      if busy[session] != nil { return .onHTTP11 }
    }
    if busy[session]?.isExclusive == true { return .afresh }
    join(session, of: line, alone: alone)
    return .here
  }

  /// A push is about to go out on a connection of its own.
  func join(_ session: UnsafeMutableRawPointer, of line: Int64?, alone: Bool) {
    var load = busy[session] ?? Load(line: line, isExclusive: alone)
    load.pushes += 1
    if load.line != line { load.isMixed = true }
    busy[session] = load
  }

  func leave(_ session: UnsafeMutableRawPointer) {
    guard var load = busy[session] else { return }
    load.pushes -= 1
    busy[session] = load.pushes > 0 ? load : nil
  }

  /// Endpoints share the connection: nobody knows for whose sake the receiver has ended it.
  func isMixed(_ session: UnsafeMutableRawPointer) -> Bool { busy[session]?.isMixed ?? false }

  /// What cannot be told by its handshake speaks HTTP/1.1 as well.
  func note(_ origin: String, now: Int64) {
    if single[origin] == nil, single.count >= Self.most { single.removeAll() }
    single[origin] = now + Self.remembered
  }
}
