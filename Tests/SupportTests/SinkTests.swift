internal import TestSupport
internal import Testing

/// Every behaviour as seen by a client that knows no HTTP.
@Suite(.timeLimit(.minutes(5)))
struct SinkTests {
  static let post =
    "POST /hook?a=b HTTP/1.1\r\nHost: x\r\nX-Two: 1\r\nx-two: 2\r\n"
    + "Content-Length: 5\r\n\r\nhello"

  /// Sends one request to a sink that answers `reply`; gives what came back within `seconds`.
  func exchange(_ reply: SinkReply, within seconds: Double = 5, limit: Int = .max) throws
    -> (text: String, end: RawConnection.Ending)
  {
    let sink = try Sink { _ in reply }
    let connection = try RawConnection(port: sink.port)
    try connection.send(SinkTests.post)
    let result = connection.receive(within: seconds, limit: limit)
    #expect(sink.receivedCount == 1)
    return result
  }

  @Test func recordsWhatArrived() throws {
    let sink = try Sink(address: "127.0.0.2")
    #expect(sink.url == "http://127.0.0.2:\(sink.port)")
    let connection = try RawConnection(port: sink.port, address: "127.0.0.2")
    // Two in one segment, then one torn apart.
    try connection.send(SinkTests.post + SinkTests.post)
    #expect(sink.wait(for: 2))
    try connection.send(String(SinkTests.post.dropLast(7)))
    #expect(!sink.wait(for: 3, timeout: 0.1))
    try connection.send(String(SinkTests.post.suffix(7)))
    #expect(sink.wait { $0.last?.order == 2 })
    #expect(sink.connectionCount == 1)
    #expect(sink.faults.isEmpty)
    let pushes = sink.received
    for push in pushes {
      #expect(push.method == "POST")
      #expect(push.path == "/hook?a=b")
      #expect(push.headers["x-two"] == ["1", "2"])
      #expect(push.header("HOST") == "x")
      #expect(push.text == "hello")
    }
    #expect(pushes[0].at <= pushes[1].at && pushes[1].at < pushes[2].at)
  }

  @Test func answersExpectContinueBeforeTheBody() throws {
    let sink = try Sink { _ in .status(200, headers: [("X-A", "b")], body: Array("ok".utf8)) }
    let connection = try RawConnection(port: sink.port)
    try connection.send("POST / HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    let interim = "HTTP/1.1 100 Continue\r\n\r\n"
    #expect(connection.receive(within: 5, limit: interim.utf8.count).text == interim)
    #expect(sink.receivedCount == 0)
    try connection.send("hi")
    let expected = "HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 2\r\n\r\nok"
    #expect(connection.receive(within: 5, limit: expected.utf8.count).text == expected)
  }

  @Test func closesAfterConnectionClose() throws {
    let result = try exchange(.status(503, headers: [("Connection", "close")]))
    #expect(result.end == .closed)
    #expect(result.text.hasPrefix("HTTP/1.1 503 "))
    let kept = try exchange(.status(204), within: 1)
    #expect(kept == ("HTTP/1.1 204 OK\r\n\r\n", .stillOpen))
  }

  @Test func redirectNamesItsTarget() throws {
    let text = try exchange(.redirect(to: "http://127.0.0.1:9/"), within: 1).text
    #expect(text.hasPrefix("HTTP/1.1 307 ") && text.contains("Location: http://127.0.0.1:9/\r\n"))
  }

  @Test func stallIsSilentAndThenCloses() throws {
    #expect(try exchange(.stall(seconds: 60), within: 0.2) == ("", .stillOpen))
    #expect(try exchange(.stall(seconds: 0.2)) == ("", .closed))
  }

  @Test func delayAnswersLater() throws {
    let clock = ContinuousClock()
    let took = try clock.measure {
      let result = try exchange(.delay(ms: 200, .status(204)), limit: 20)
      #expect(result.text == "HTTP/1.1 204 OK\r\n\r\n".prefix(20))
    }
    #expect(took >= .milliseconds(200))
  }

  @Test func endsWithoutAReply() throws {
    #expect(try exchange(.reset) == ("", .reset))
    #expect(try exchange(.closeWithoutReply) == ("", .closed))
  }

  @Test func dripsSlowly() throws {
    let whole = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n..."
    let drip = SinkReply.drip(status: 200, everyMS: 50, bytes: 3)
    #expect(try exchange(drip, limit: whole.utf8.count).text == whole)
    // 43 bytes at 5 s each: hardly any within a moment, but the head is there at once.
    let slow = try exchange(.drip(status: 200, everyMS: 5_000, bytes: 3), within: 1)
    #expect(slow == (String(whole.dropLast(3)), .stillOpen))
    let head = try exchange(.dripHeader(everyMS: 400), within: 1.5)
    #expect((1..<8).contains(head.text.count) && "HTTP/1.1".hasPrefix(head.text))
    let empty = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    #expect(try exchange(.dripHeader(everyMS: 1), limit: empty.utf8.count).text == empty)
  }

  @Test func hugeBodyIsAsLongAsItSays() throws {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n"
    let size = head.utf8.count + 10_000_000
    let result = try exchange(.huge(status: 200, bytes: 10_000_000), within: 20, limit: size)
    #expect(result.text.utf8.count == size && result.text.hasPrefix(head))
  }

  @Test func liesAboutItsLength() throws {
    let long = try exchange(.lieLong)
    #expect(long == ("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", .closed))
    let short = try exchange(.lieShort, within: 1)
    #expect(short.text.hasSuffix("Content-Length: 2\r\n\r\nabcdefghijklmnopqrstuvwxyz"))
    #expect(short.end == .stillOpen)
  }

  @Test func garbageIsNotHTTP() throws {
    let result = try exchange(.garbage)
    #expect(!result.text.isEmpty && !result.text.hasPrefix("HTTP/") && result.end == .closed)
  }

  @Test func namesWhatIsNotARequest() throws {
    let sink = try Sink()
    for text in ["hello\r\n\r\n", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"] {
      let connection = try RawConnection(port: sink.port)
      try connection.send(text)
      let result = connection.receive(within: 5)
      #expect(result.text.hasPrefix("HTTP/1.1 400 ") && result.end == .closed)
    }
    #expect(sink.receivedCount == 0)
    #expect(
      sink.faults == ["request line: hello", "request with transfer-encoding chunked"])
  }

  @Test func closeEndsEveryConnectionAndThread() throws {
    let sink = try Sink { _ in .stall(seconds: 3_600) }
    let (busy, idle) = (try RawConnection(port: sink.port), try RawConnection(port: sink.port))
    try busy.send(SinkTests.post)
    #expect(sink.wait(for: 1))
    try eventually("both connections are accepted") { sink.openConnectionCount == 2 }
    #expect(sink.close())
    #expect(sink.close())
    #expect(sink.openConnectionCount == 0)
    #expect(busy.receive(within: 5).end != .stillOpen)
    #expect(idle.receive(within: 5).end != .stillOpen)
    #expect(throws: (any Error).self) { try RawConnection(port: sink.port) }
  }

  @Test func aForgottenSinkLetsGoOfItsPort() throws {
    var sink: Sink? = try Sink()
    let port = try #require(sink?.port)
    let connection = try RawConnection(port: port)
    sink = nil
    #expect(connection.receive(within: 5).end != .stillOpen)
    try eventually("the port is free") { (try? RawConnection(port: port)) == nil }
  }

  @Test func takesManyRequestsOnManyConnections() throws {
    let sink = try Sink()
    let port = sink.port
    try onThreads(8) { thread in
      let client = Client(port: port)
      for number in 0..<2_500 {
        let reply = try client.call("POST", "/\(thread)/\(number)", json: "{}")
        if reply.status != 204 { throw WaitFault("status \(reply.status)") }
      }
    }
    #expect(sink.connectionCount == 8)
    #expect(Set(sink.received.map(\.path)).count == 20_000)
    #expect(sink.received.map(\.order) == Array(0..<20_000))
    #expect(sink.faults.isEmpty)
  }
}
