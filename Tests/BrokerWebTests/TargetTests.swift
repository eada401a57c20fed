internal import Foundation
internal import TestSupport
internal import Testing

/// One address, however it is spelled.
@Suite(.timeLimit(.minutes(5))) struct TargetTests {
  @Test func spellingsOfAnAddress() throws {
    let daemon = try House.daemon
    let path = try daemon.open()
    let id = try #require(path.split(separator: "/").last.map(String.init))
    let client = try daemon.client(Qidong.requester)
    for spelled in [
      "/v1/requests/" + id.replacing("-", with: "%2D"), "/v1/requests/" + id.replacing("-", with: "%2d"),
      "/v1/%72equests/\(id)", "//v1//requests/\(id)/", "/v1/requests/\(id)?%77ait=0", "/%76%31/requests/\(id)?wait=0",
      "http://127.0.0.1:1/v1/requests/" + id.replacing("-", with: "%2D"),
    ] {
      #expect(try client.done("GET", spelled).json["id"].string == id, "\(spelled)")
    }
    for other in [
      "/v1%2Frequests/\(id)", "/v1/requests%2F\(id)", "/v1/requests/\(id)%2Ftimeline", "/v1/requests/\(id)%",
      "/v1/requests/\(id)%2",
      "/v1/requests/%252D",
    ] {
      expectProblem(try client.call("GET", other), 404, "not-found", other)
    }
    expectProblem(try client.call("GET", path + "?%E4=1"), 400, "invalid-parameter")
    expectProblem(try client.call("GET", path + "?wait=0&%77ait=0"), 400, "invalid-parameter")
  }

  /// `//v1/…` as a reference would lead to a host of that name.
  @Test func linksAreSpelledAsUsual() throws {
    let client = try House.client(.requester)
    for path in ["//v1/organs?limit=1", "/v1//organs/?limit=1", "/v1/%6Frgans?%6Cimit=1", "/v1/organs?limit=1"] {
      let link = try #require(try client.done("GET", path).headers["link"], "\(path)")
      #expect(link.hasPrefix("</v1/organs?limit=1&cursor="), "\(path): \(link)")
    }
  }

  /// A key is kept with the address that is meant.
  @Test func aRepetitionMaySpellItOtherwise() throws {
    let client = try House.client(.requester)
    let (headers, body) = (["Idempotency-Key": "target-\(UUID())"], marriageRequest())
    let first = try client.done("POST", "/v1/requests", json: body, headers: headers, 201)
    let again = try client.done("POST", "//v1/%72equests", json: body, headers: headers, 201)
    #expect(again.body == first.body && again.headers["idempotency-replayed"] == "true")
  }
}
