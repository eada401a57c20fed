internal import TestSupport
internal import Testing

/// A call can be followed in the log by what its caller named it, and nobody is named there.
@Suite(.timeLimit(.minutes(5))) struct CallLogTests {
  private static let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

  @Test func everyCallIsALine() throws {
    let daemon = try Daemon(state: StateDirectory(), environment: ["XIECHA_LOG_LEVEL": "debug"])
    let client = try daemon.client(Qidong.requester)
    let path = try daemon.open()
    let number = "11010519491231002X"
    for (name, method, target, line) in [
      ("one", "GET", path, "GET \(path) 200 "),
      ("two", "GET", "/v1/requests?subject=\(number)", "GET /v1/requests 200 "),
      ("three", "GET", "/v1/requests/\(number)", "GET /v1/requests/{id} 404 "),
      ("four", "HEAD", path, "HEAD \(path) 200 "),
      ("five", "GET", "/v1/people/\(number)", "GET (no such route) 404 "),
      ("six", "DELETE", "/v1/requests", "DELETE (no such route) 405 "),
    ] {
      _ = try client.call(method, target, headers: ["X-Request-Id": "call-\(name)", "traceparent": Self.trace])
      #expect(daemon.waitForLog("request-id=call-\(name) "), "\(name)")
      let found = daemon.stderrText.split(separator: "\n").filter { $0.contains("request-id=call-\(name) ") }
      #expect(found.count == 1, "\(found)")
      let text = String(found.first ?? "")
      #expect(text.contains(line) && text.contains(" ms") && text.contains(" debug "), "\(text)")
      #expect(text.contains("trace=\(Self.trace)"), "\(text)")
      let organ = ["five", "six"].contains(name) ? "-" : Qidong.requester.code
      #expect(text.contains("organ=\(organ)"), "\(text)")
    }
    _ = try daemon.operatorClient().call("GET", "/v1/organs", headers: ["X-Request-Id": "call-op"])
    #expect(daemon.waitForLog("request-id=call-op "))
    #expect(daemon.stderrText.contains("organ=operator request-id=call-op trace=- GET /v1/organs 200 "))
    #expect(!daemon.stderrText.contains(number) && !daemon.stderrText.contains("张"), "nobody is named")
  }

  /// Nor are those that are refused: what is wrong with them is their callers' to mend.
  @Test func ordinaryCallsAreNoNews() throws {
    let daemon = try Daemon(state: StateDirectory())
    let (client, quiet) = (try daemon.client(Qidong.requester), ["X-Request-Id": "call-quiet"])
    try client.done("GET", "/v1/organs", headers: quiet)
    #expect(try daemon.client().call("GET", "/v1/organs", headers: quiet).status == 401)
    #expect(try client.call("GET", "/v1/nowhere", headers: quiet).status == 404)
    #expect(try client.call("POST", "/v1/requests", json: "{}", headers: quiet).status == 422)
    #expect(try daemon.terminate() == 0)
    #expect(!daemon.stderrText.contains("call-quiet"))
  }
}
