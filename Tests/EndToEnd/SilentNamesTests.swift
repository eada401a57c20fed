internal import Foundation
internal import TestSupport
internal import Testing

private let mayMount: Bool =
  geteuid() == 0
  && (try? runTool(["-m", "mount", "--bind", "/tmp", "/tmp"], binary: "/usr/bin/unshare"))?.status == 0

extension EndToEnd {
  /// A name server that never answers. The daemon gets a resolv.conf of its own for it, which takes a mount.
  @Suite(.enabled(if: mayMount)) struct SilentNames {
    private static let server = "127.88.7.53"

    /// Takes what is asked, and says nothing.
    private static func listen() throws -> Int32 {
      let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      try #require(descriptor >= 0)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = in_port_t(53).bigEndian
      inet_pton(AF_INET, server, &address.sin_addr)
      let bound = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      try #require(bound == 0, "\(String(cString: strerror(errno)))")
      return descriptor
    }

    /// Whoever gives up on the name does not wait until the system does, half a minute later, and nobody waits with him.
    @Test func holdUpNobodyElse() throws {
      let state = try StateDirectory(config: [
        "callbacks.connectTimeoutSeconds": "1", "callbacks.retry.stepsSeconds": "[1]",
      ])
      let descriptor = try Self.listen()
      defer { close(descriptor) }
      try "nameserver \(Self.server)\noptions timeout:30 attempts:1\n".write(
        toFile: state.path + "/resolv.conf", atomically: false, encoding: .utf8)
      let wrapper = state.path + "/serve.sh"
      try """
      #!/bin/sh
      exec unshare -m sh -c 'mount --bind "$NAMES" /etc/resolv.conf && exec "$REAL" "$@"' sh "$@"
      """.write(toFile: wrapper, atomically: false, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: wrapper)
      let daemon = try Daemon(
        state: state, environment: ["REAL": Binary.path, "NAMES": state.path + "/resolv.conf"], binary: wrapper)
      let sink = try Sink()
      let organ = try daemon.client(.responder)
      let silent = try organ.createEndpoint("http://receiver.silent.example/")
      let other = try organ.createEndpoint(sink.url)
      _ = try daemon.client(.requester).submit()
      try eventually("it was given up") {
        try organ.deliveries(to: silent).first?["lastError"].string?.contains("域名解析超时") == true
      }
      // Meanwhile the name is asked for once a second.
      for count in 2...6 {
        _ = try daemon.client(.requester).submit()
        try #require(sink.wait(for: count, timeout: 10), "it waits for the name of another")
        usleep(500_000)
      }
      try eventually("all are settled") { try organ.deliveries(to: other, state: "delivered").count == 6 }
      #expect(try daemon.terminate(timeout: 20) == 0)
    }
  }
}
