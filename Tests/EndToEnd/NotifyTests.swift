internal import Foundation
internal import TestSupport
internal import Testing

extension EndToEnd {
  /// What systemd is told on the way up.
  @Suite struct Notify {
    /// Time is asked for before the database is opened, however long that takes, and the port is open when it is ready.
    @Test func timeIsAskedForUntilItIsReady() throws {
      let name = "@xiecha-\(UUID())"
      let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
      try #require(descriptor >= 0)
      defer { close(descriptor) }
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      // A name of the abstract namespace begins with a zero.
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: [0] + name.utf8.dropFirst()) }
      let length = socklen_t(MemoryLayout<sa_family_t>.size + name.utf8.count)
      let bound = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
      }
      try #require(bound == 0)
      var patience = timeval(tv_sec: 30, tv_usec: 0)
      setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))

      let daemon = try Daemon(state: StateDirectory(), environment: ["NOTIFY_SOCKET": name])
      var told: [String] = []
      while told.last?.hasPrefix("READY=1") != true {
        var bytes = [UInt8](repeating: 0, count: 512)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        try #require(count > 0, "\(told)")
        told.append(String(decoding: bytes.prefix(count), as: UTF8.self))
      }
      #expect(told == ["EXTEND_TIMEOUT_USEC=60000000", "READY=1\nSTATUS=listening on port \(daemon.port)"])
    }
  }
}
