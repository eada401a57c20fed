internal import Foundation
internal import TestSupport
internal import Testing

extension EndToEnd {
  /// For departments that cannot receive callbacks: lists, the feed, long polls, and repetition.
  @Suite struct Polling {
    let state: StateDirectory
    let daemon: Daemon
    let requester: Client
    let responder: Client

    init() throws {
      state = try StateDirectory()
      daemon = try Daemon(state: state)
      requester = try daemon.client(.requester)
      responder = try daemon.client(.responder)
    }

    @Test func listsPageStablyAndFilter() throws {
      let person = Person()
      var ids: [String] = []
      for number in 0..<5 {
        ids.append(try requester.submit(marriageRequest(subject: number == 3 ? person : Person())))
      }
      var seen: [String] = []
      var path: String? = "/v1/requests?role=responder&limit=2"
      while let next = path {
        let reply = try responder.call("GET", next)
        seen += (reply.json["items"].array ?? []).compactMap { $0["id"].string }
        // What comes in between pages must neither repeat nor hide anything.
        _ = try requester.submit()
        let cursor = reply.json["next"].string
        let link = reply.headers["link"]
        #expect((cursor == nil) == (link == nil))
        if let cursor { #expect(link?.contains("cursor=\(cursor)>; rel=\"next\"") == true) }
        path = cursor.map { "/v1/requests?role=responder&limit=2&cursor=\($0)" }
        try #require(seen.count < 20)
      }
      #expect(Set(seen).count == seen.count && Set(seen).isSuperset(of: ids))

      try responder.move(ids[1], "answer", answerBody())
      func found(_ query: String) throws -> [String] {
        try responder.items("/v1/requests?" + query).compactMap { $0["id"].string }
      }
      #expect(try found("state=answered") == [ids[1]])
      #expect(try found("subject=\(person.idNumber)") == [ids[3]])
      #expect(try found("role=requester").isEmpty && found("overdue=true").isEmpty)
      #expect(try found("state=submitted&procedure=verification&limit=500").count == 7)
      let typo = try responder.call("GET", "/v1/requests?stat=answered")
      #expect(typo.status == 400 && typo.json.code == "invalid-parameter")
      #expect(try daemon.client(.stranger).items("/v1/requests").isEmpty)
    }

    /// The numbers after a backup are given away anew: who had seen them sees what bears them now.
    @Test func pollingGoesOnAfterARestore() throws {
      let first = try requester.submit()
      let copy = state.path + "/copy.sqlite"
      #expect(try state.run(["backup", copy]).status == 0)
      for _ in 0..<5 { _ = try requester.submit() }
      let seen = try #require(try requester.call("GET", "/v1/events?limit=500").json["next"].int)
      daemon.kill9()
      for end in ["", "-wal", "-shm"] {
        try? FileManager.default.removeItem(atPath: state.path + "/xiecha.sqlite" + end)
      }
      try FileManager.default.moveItem(atPath: copy, toPath: state.path + "/xiecha.sqlite")
      let restored = try Daemon(state: state)
      let client = try restored.client(.requester)
      #expect(try client.call("GET", "/v1/requests/\(first)").status == 200)
      let nothing = try client.call("GET", "/v1/events?after=\(seen)&wait=1").json
      let next = try #require(nothing["next"].int)
      #expect(nothing["items"].array?.isEmpty == true && next < seen)
      let new = try client.submit()
      for after in [next, seen] {
        let events = try client.call("GET", "/v1/events?after=\(after)").json["items"].array ?? []
        let isNews = events.contains { $0["request"].string == new }
        #expect(isNews == (after == next), "\(after)")
      }
    }

    /// A broker that holds on to nobody for long answers sooner, and refuses nobody.
    @Test func aLongPollIsAsLongAsItMayBe() throws {
      let daemon = try Daemon(state: StateDirectory(), extraArguments: ["--set", "limits.longPollSeconds=1"])
      let client = try daemon.client(.requester)
      #expect(try client.call("GET", "/v1/events?after=0&wait=60").status == 200)
      #expect(try client.call("GET", "/v1/events?after=0&wait=61").status == 400)
    }

    @Test func longPollReturnsAtTheNextVersion() throws {
      let id = try requester.submit()
      let started = ContinuousClock.now
      let nothing = try requester.call(
        "GET", "/v1/requests/\(id)?wait=1", headers: ["If-None-Match": "\"1\""])
      #expect(nothing.status == 304 && ContinuousClock.now - started >= .seconds(1))

      let (poller, worker) = (try daemon.client(.requester), responder)
      let seconds = try inParallel {
        let reply = try poller.call(
          "GET", "/v1/requests/\(id)?wait=30", headers: ["If-None-Match": "\"1\""])
        #expect(reply.status == 200 && reply.json["version"].int == 2)
      } after300ms: {
        let moved = try worker.move(id, "acknowledge")
        #expect(moved.status == 200)
      }
      #expect(seconds < 5)
      // A version that is over already is told at once.
      let old = try requester.call(
        "GET", "/v1/requests/\(id)?wait=30", headers: ["If-None-Match": "\"1\""], timeout: 5)
      #expect(old.json["state"].string == "acknowledged")
    }

    @Test func feedWaitsForTheNextEvent() throws {
      let id = try requester.submit()
      let first = try responder.call("GET", "/v1/events?after=0").json
      #expect(first["items"][0]["type"].string == "request.submitted")
      #expect(first["items"][0]["request"].string == id)
      let next = try #require(first["next"].int)
      #expect(next == first["items"][0]["seq"].int)
      let (poller, worker) = (try daemon.client(.responder), requester)
      let seconds = try inParallel {
        let reply = try poller.call("GET", "/v1/events?after=\(next)&wait=30")
        #expect(reply.json["items"].array?.count == 1)
        #expect(reply.json["items"][0]["type"].string == "request.withdrawn")
        #expect(reply.json["items"][0]["data"]["reason"].string == "重复")
      } after300ms: {
        let moved = try worker.move(id, "withdraw", #"{"reason": "重复"}"#)
        #expect(moved.status == 200)
      }
      #expect(seconds < 5)
      #expect(try daemon.client(.stranger).items("/v1/events?after=0").isEmpty)
    }

    /// Runs `poll` on a thread, `act` a little later on another; both must end.
    private func inParallel(
      _ poll: @escaping @Sendable () throws -> Void,
      after300ms act: @escaping @Sendable () throws -> Void
    ) throws -> Double {
      let started = ContinuousClock.now
      try onThreads(2) { index in
        if index == 0 { return try poll() }
        pause(milliseconds: 300)
        try act()
      }
      return seconds(since: started)
    }

    @Test func sameKeyGivesTheSameReplyAlsoAfterARestart() throws {
      let body = marriageRequest()
      let headers = ["Idempotency-Key": "一号-\(freshReference())"]
      let first = try requester.call("POST", "/v1/requests", json: body, headers: headers)
      try #require(first.status == 201 && first.headers["idempotency-replayed"] == nil)
      let id = try #require(first.json["id"].string)
      let moved = ["Idempotency-Key": "二号"]
      let acknowledged = try responder.move(id, "acknowledge", headers: moved)
      #expect(try daemon.terminate() == 0)

      let next = try Daemon(state: state)
      let again = try next.client(.requester).call(
        "POST", "/v1/requests", json: body, headers: headers)
      #expect(again.status == 201 && again.body == first.body)
      #expect(again.headers["idempotency-replayed"] == "true")
      #expect(again.headers["location"] == first.headers["location"])
      #expect(again.headers["etag"] == "\"1\"")
      let repeated = try next.client(.responder).move(id, "acknowledge", headers: moved)
      #expect(repeated.status == 200 && repeated.body == acknowledged.body)
      let other = try next.client(.requester).call(
        "POST", "/v1/requests", json: marriageRequest(), headers: headers)
      #expect(other.status == 422 && other.json.code == "idempotency-conflict")
      // The same words from another organ are another key.
      let stranger = try next.client(.responder).call(
        "POST", "/v1/requests", json: marriageRequest(to: .requester), headers: headers)
      #expect(stranger.headers["idempotency-replayed"] == nil)
    }

    @Test func concurrentDuplicatesCreateOneRequest() throws {
      let body = marriageRequest()
      let (state, daemon) = (state, daemon)
      try onThreads(8) { _ in
        let client = daemon.client(key: try state.key(of: Qidong.requester))
        let reply = try client.call(
          "POST", "/v1/requests", json: body, headers: ["Idempotency-Key": "at once"])
        #expect(reply.status == 201, "\(reply.text)")
      }
      #expect(try requester.items("/v1/requests").count == 1)
    }
  }
}
