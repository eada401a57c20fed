internal import TestSupport
internal import Testing

/// A trace that came in goes on in the callback, under a span of the broker's own.
@Suite(.timeLimit(.minutes(5)))
struct TraceTests {
  @Test func traceparentIsContinued() throws {
    let daemon = try House.daemon
    let organ = Qidong.市行政审批局
    let sink = try Sink()
    let endpoint = try daemon.register(sink.url, for: organ)
    let client = try daemon.client(organ)
    let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
    let table: [(given: String?, continues: Bool)] = [
      ("00-\(trace)-\(span)-01", true), ("00-\(trace)-\(span)-00", true), (nil, false), ("", false), ("00", false),
      ("00-\(trace)-\(span)-01 ", true), ("00-\(trace.uppercased())-\(span)-01", false),
      ("ff-\(trace)-\(span)-01", false),
      ("00-\(trace)-\(span)-0g", false), ("00-\(trace)-\(span)-01-x", false), ("00-\(trace)\(span)--01-", false),
      ("00-" + String(repeating: "a", count: 52), false), ("00-" + String(repeating: "-", count: 52), false),
      ("00-\(trace.dropLast())-\(span)0-01", false),
      ("00-" + String(repeating: "0", count: 32) + "-\(span)-01", false),
      ("00-\(trace)-" + String(repeating: "0", count: 16) + "-01", false),
    ]
    for (order, row) in table.enumerated() {
      let headers = row.given.map { ["traceparent": $0] } ?? [:]
      try client.done(
        "POST", "/v1/requests", json: marriageRequest(to: .市财政局), headers: headers, 201)
      #expect(sink.wait(for: order + 1))
      let sent = sink.received.last?.header("traceparent")
      guard row.continues else {
        #expect(sent == nil, "\(row.given ?? "none")")
        continue
      }
      let parts = try #require(sent, "\(row.given ?? "")").split(separator: "-").map(String.init)
      #expect(parts.count == 4)
      #expect(parts[0] == "00")
      #expect(parts[1] == trace)
      #expect(parts[2] != span)
      #expect(parts[2].wholeMatch(of: /[0-9a-f]{16}/) != nil)
      #expect(parts[2] != String(repeating: "0", count: 16))
      #expect(row.given?.contains("-\(parts[3])") == true)
    }
    try client.done("DELETE", "/v1/endpoints/\(endpoint)", 204)
  }

  @Test func transitionsCarryTheirOwnTrace() throws {
    let daemon = try House.daemon
    let sink = try Sink()
    let organ = Qidong.市公安局
    let endpoint = try daemon.register(sink.url, body: "full", for: organ)
    let client = try daemon.client(organ)
    let traces = ["0af7651916cd43dd8448eb211c80319c", "1bf7651916cd43dd8448eb211c80319d"]
    let created = try client.done(
      "POST", "/v1/requests", json: marriageRequest(to: .市财政局),
      headers: ["traceparent": "00-\(traces[0])-b7ad6b7169203331-01"], 201)
    try client.done(
      "POST", try #require(created.headers["location"]) + "/withdraw", json: #"{"reason": "退出"}"#,
      headers: ["traceparent": "00-\(traces[1])-b7ad6b7169203331-01"])
    #expect(
      sink.wait { pushes in
        pushes.filter { push in traces.contains { push.header("traceparent")?.contains($0) == true } }.count >= 2
      })
    let seen = sink.received.compactMap { $0.header("traceparent")?.dropFirst(3).prefix(32) }.map(String.init)
    #expect(seen == traces)
    try client.done("DELETE", "/v1/endpoints/\(endpoint)", 204)
  }
}
