internal import Dispatch
internal import Foundation

/// What systemd is told (sd_notify): one datagram to the socket that it names. Without one, nothing happens.
enum Notify {
  static func send(_ message: String) {
    guard let path = ProcessInfo.processInfo.environment["NOTIFY_SOCKET"], path.utf8.count > 1 else { return }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
    // A leading @ names a socket of the abstract namespace.
    if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
    let payload = Array(message.utf8)
    _ = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(descriptor, payload, payload.count, Int32(MSG_NOSIGNAL), $0, length)
      }
    }
  }

  /// Asks for more time until the daemon is ready: a schema that is brought up to date, or reports that are counted anew,
  /// may take longer than systemd waits for a start. From a thread of its own, for the one that opens the database is busy.
  final class Starting: Sendable {
    private let ended = DispatchSemaphore(value: 0)

    private static let secondsAtOnce = 60
    private static let everySeconds = 20

    init() {
      Self.askForTime()
      Thread.detachNewThread { [ended] in
        while ended.wait(timeout: .now() + .seconds(Self.everySeconds)) == .timedOut { Self.askForTime() }
      }
    }

    func end() { ended.signal() }

    private static func askForTime() { send("EXTEND_TIMEOUT_USEC=\(secondsAtOnce * 1_000_000)") }
  }

  /// Half of what the watchdog allows, or nil when there is none.
  static var watchdogInterval: Duration? {
    let environment = ProcessInfo.processInfo.environment
    guard let microseconds = environment["WATCHDOG_USEC"].flatMap({ Int64($0) }), microseconds > 0 else { return nil }
    if let pid = environment["WATCHDOG_PID"].flatMap({ Int32($0) }), pid != getpid() { return nil }
    return .microseconds(microseconds / 2)
  }
}
