internal import TestSupport
internal import Testing

@Suite(.timeLimit(.minutes(5)))
struct ClientTests {
  @Test func sendsKeyAndBodyAndReadsTheReply() throws {
    let sink = try Sink { push in
      .status(201, headers: [("ETag", "\"1\""), ("Link", "a"), ("Link", "b")], body: push.body)
    }
    let client = Client(port: sink.port, key: "secret")
    let sent = #"{"a":[1,true,null,2.5,{"启东":"\n"}]}"#
    let reply = try client.call("POST", "/v1/x", json: sent, headers: ["Idempotency-Key": "k"])
    #expect(reply.status == 201)
    #expect(reply.text == sent)
    #expect(reply.headers["etag"] == "\"1\"" && reply.headers["link"] == "a, b")
    let push = try #require(sink.received.first)
    #expect(push.header("authorization") == "Bearer secret")
    #expect(push.header("content-type") == "application/json")
    #expect(push.header("idempotency-key") == "k")
    let list = reply.json["a"]
    #expect(list[0].int == 1 && list[1].bool == true && list[3].double == 2.5)
    #expect(list[2].isNull && !list[9].isNull && list[9].isMissing)
    #expect(list[4].keys == ["启东"] && list[4]["启东"].string == "\n")
    #expect(list[0].bool == nil && list[1].int == nil && list.array?.count == 5)
    #expect(JSONBody(list.description) == list)
    #expect(JSONBody("{") == .missing)
  }

  @Test func keepsOneConnectionAndReplacesAClosedOne() throws {
    let sink = try Sink()
    let client = Client(port: sink.port)
    for _ in 0..<3 { #expect(try client.call("GET", "/").status == 204) }
    #expect(sink.connectionCount == 1)
    sink.dropConnections()
    try eventually("the connection is gone") { sink.openConnectionCount == 0 }
    #expect(try client.call("GET", "/").status == 204)
    sink.behaviour = { _ in .status(200, headers: [("Connection", "close")]) }
    for _ in 0..<2 { #expect(try client.call("GET", "/").status == 200) }
    #expect(sink.connectionCount == 3)
    #expect(sink.received.map(\.connection) == [1, 1, 1, 2, 2, 3])
  }

  @Test func tellsHowItFailed() throws {
    let sink = try Sink()
    let client = Client(port: sink.port)
    func fault(_ reply: SinkReply, timeout: Double = 5) -> ClientFault? {
      sink.behaviour = { _ in reply }
      do throws(ClientFault) {
        try client.call("POST", "/", json: "{}", timeout: timeout)
        return nil
      } catch { return error }
    }
    #expect(fault(.status(204)) == nil)
    #expect(fault(.closeWithoutReply) == .brokenAfterSend("closed without a reply"))
    #expect(fault(.lieLong) == .brokenAfterSend("closed in the middle of the reply"))
    guard case .brokenAfterSend = fault(.reset) else { throw WaitFault("reset") }
    guard case .badReply = fault(.garbage) else { throw WaitFault("garbage") }
    #expect(fault(.stall(seconds: 60), timeout: 0.2) == .timedOut)
    #expect(fault(.dripHeader(everyMS: 100), timeout: 0.3) == .timedOut)
    let before = sink.receivedCount
    #expect(fault(.delay(ms: 50, .status(204))) == nil)
    #expect(sink.receivedCount == before + 1, "a request was repeated")
    sink.close()
    guard case .notConnected = fault(.status(204)) else { throw WaitFault("closed sink") }
  }

  @Test func readsChunksAndSkipsInterimReplies() throws {
    let chunked =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      + "5;x=y\r\nhello\r\n9\r\n, 世界!\r\n0\r\nTrailer: t\r\n\r\n"
    let sink = try Sink { _ in .raw(Array(chunked.utf8)) }
    let client = Client(port: sink.port)
    for _ in 0..<2 { #expect(try client.call("GET", "/").text == "hello, 世界!") }
    #expect(sink.connectionCount == 1)
  }

  @Test func aSharedClientTakesTurns() throws {
    let sink = try Sink { .status(200, body: Array($0.path.utf8)) }
    let client = Client(port: sink.port)
    try onThreads(8) { thread in
      for number in 0..<50 {
        let path = "/\(thread)/\(number)"
        if try client.call("GET", path).text != path { throw WaitFault("mixed replies") }
      }
    }
    #expect(sink.connectionCount == 1 && sink.receivedCount == 400)
  }
}
