internal import Foundation
internal import Synchronization
internal import TestSupport
internal import Testing

/// The feed loses nothing, and long polls wake at once. One after the other: no other suite tells 指挥中心 anything.
@Suite(.timeLimit(.minutes(5)), .serialized)
struct FeedTests {
  private static func milliseconds(_ body: () throws -> Void) rethrows -> Double {
    let took = try ContinuousClock().measure(body).components
    return Double(took.seconds) * 1000 + Double(took.attoseconds) / 1e15
  }

  @Test func pagingToTheEndHasNoGap() throws {
    let daemon = try House.daemon
    let (asking, asked) = (Qidong.市人力资源和社会保障局, Qidong.市税务局)
    let (one, other) = (try daemon.client(asking), try daemon.client(asked))
    var opened: [String] = []
    var pages: [[JSONBody]] = []
    var after = 0
    // Written while it is read.
    for round in 0..<12 {
      for _ in 0..<2 {
        let path = try daemon.open(marriageRequest(to: asked), by: asking)
        try other.done("POST", path + "/acknowledge")
        opened.append(String(path.split(separator: "/").last ?? ""))
      }
      if round == 11 { try other.done("POST", "/v1/requests/\(opened[0])/answer", json: answerBody()) }
      let page = try one.get("/v1/events?after=\(after)&limit=5")
      pages.append(page["items"].array ?? [])
      after = page["next"].int ?? -1
    }
    while pages.last?.isEmpty == false {
      let page = try one.get("/v1/events?after=\(after)&limit=5")
      pages.append(page["items"].array ?? [])
      #expect(page["next"].int == pages.last?.last?["seq"].int ?? after)
      after = page["next"].int ?? -1
    }
    let events = pages.joined()
    let seqs = events.compactMap { $0["seq"].int }
    #expect(seqs == seqs.sorted())
    #expect(Set(seqs).count == seqs.count)
    #expect(events.count == opened.count * 2 + 1)
    #expect(events.filter { $0["type"].string == "request.submitted" }.compactMap { $0["request"].string } == opened)
    let answered = events.last
    #expect(answered?["type"].string == "request.answered")
    #expect(answered?["version"].int == 3)
    #expect(answered?["data"]["findings"][0]["result"].string == "confirmed")
    // The other party has the same; nobody else has any of it.
    #expect(try other.get("/v1/events?limit=500")["items"].array == Array(events))
    let strange = try daemon.client(Qidong.市公安局).get("/v1/events?limit=500")["items"].array ?? []
    #expect(!strange.contains { event in opened.contains(event["request"].string ?? "") })
    #expect(try one.get("/v1/events?after=\(Int64.max)")["items"] == .array([]))
  }

  @Test func pollOfARequestWakesWithinAFifthOfASecond() throws {
    let daemon = try House.daemon
    var best = Double.infinity
    // Of three, because the machine may be busy with other things.
    for _ in 0..<3 where best >= 200 {
      let path = try daemon.open(marriageRequest(to: .hotline), by: .市财政局)
      best = min(
        best,
        try Self.lag(daemon, path + "?wait=20", ["If-None-Match": #""1""#]) {
          try daemon.client(Qidong.hotline).done("POST", path + "/acknowledge")
        } check: { reply in
          #expect(reply.status == 200)
          #expect(reply.json["state"].string == "acknowledged")
          #expect(reply.headers["etag"] == #""2""#)
        })
    }
    #expect(best < 200, "woke after \(best) ms")
  }

  @Test func pollOfTheFeedWakesWithinAFifthOfASecond() throws {
    let daemon = try House.daemon
    var best = Double.infinity
    for _ in 0..<3 where best >= 200 {
      let newest = try Self.newest(daemon)
      best = min(
        best,
        try Self.lag(daemon, "/v1/events?after=\(newest)&wait=20", [:]) {
          try daemon.submit(marriageRequest(to: .hotline), by: .市财政局)
        } check: { reply in
          #expect(reply.json["items"].array?.isEmpty == false, "\(reply.text)")
        })
    }
    #expect(best < 200, "woke after \(best) ms")
  }

  /// Polls as 指挥中心 on a thread of its own while `commit` happens.
  /// - Returns: milliseconds from the answer to the commit to the answer to the poll.
  private static func lag(
    _ daemon: Daemon, _ path: String, _ headers: [String: String], commit: () throws -> Void,
    check: (Reply) -> Void
  ) throws -> Double {
    let key = try daemon.state.key(of: Qidong.hotline)
    let answer = Mutex<(reply: Reply, at: ContinuousClock.Instant)?>(nil)
    DispatchQueue.global().async {
      guard let reply = try? daemon.client(key: key).call("GET", path, headers: headers) else { return }
      answer.withLock { $0 = (reply, .now) }
    }
    usleep(250_000)
    #expect(answer.withLock { $0 == nil }, "the poll did not wait")
    try commit()
    let committed = ContinuousClock.Instant.now
    try eventually("the poll has an answer") { answer.withLock { $0 != nil } }
    let (reply, at) = try #require(answer.withLock { $0 })
    check(reply)
    return Double((at - committed).components.attoseconds) / 1e15 + Double((at - committed).components.seconds) * 1000
  }

  private static func newest(_ daemon: Daemon) throws -> Int {
    var after = 0
    while true {
      let page = try daemon.client(Qidong.hotline).get("/v1/events?after=\(after)&limit=500")
      guard let next = page["next"].int, next > after else { return after }
      after = next
    }
  }

  @Test func pollsEndWhenTheirTimeIsOver() throws {
    let daemon = try House.daemon
    let path = try daemon.open(marriageRequest(to: .市财政局), by: .hotline)
    let client = try daemon.client(Qidong.hotline)
    var reply: Reply?
    var took = try Self.milliseconds {
      reply = try client.call("GET", path + "?wait=1", headers: ["If-None-Match": #""1""#])
    }
    #expect((950..<10_000).contains(took), "\(took) ms")
    #expect(reply?.status == 304)
    #expect(reply?.body.isEmpty == true)
    #expect(reply?.headers["etag"] == #""1""#)

    let newest = try client.get("/v1/events?limit=500")["next"].int ?? 0
    took = try Self.milliseconds { reply = try client.call("GET", "/v1/events?after=\(newest)&wait=1") }
    #expect((950..<10_000).contains(took), "\(took) ms")
    #expect(reply?.json["items"] == .array([]))
    #expect(reply?.json["next"].int == newest)
  }

  /// What a revoked key was waiting for is not shown to it.
  @Test(arguments: [true, false]) func aKeyThatIsRevokedMeanwhileSeesNothing(_ isFeed: Bool) throws {
    let daemon = try House.daemon
    let path = try daemon.open(marriageRequest(to: .hotline), by: .市财政局)
    let newest = try Self.newest(daemon)
    let issued = try daemon.state.run(["key", "create", "--organ", Qidong.hotline.rawValue, "--json"])
    let key: String = try #require(issued.json["key"].string, "\(issued.stderr)")
    let poll = isFeed ? "/v1/events?after=\(newest)&wait=20" : path + "?wait=20&reveal=subject"
    let answer = Mutex<Reply?>(nil)
    DispatchQueue.global().async {
      let reply = try? daemon.client(key: key).call("GET", poll, headers: isFeed ? [:] : ["If-None-Match": #""1""#])
      answer.withLock { $0 = reply }
    }
    usleep(250_000)
    #expect(try daemon.state.run(["key", "revoke", "\(try #require(issued.json["id"].int))"]).status == 0)
    #expect(answer.withLock { $0 == nil }, "the poll did not wait")
    try daemon.client(Qidong.hotline).done("POST", path + "/acknowledge")
    try eventually("the poll has an answer") { answer.withLock { $0 != nil } }
    expectProblem(try #require(answer.withLock { $0 }), 401, "unauthenticated")
  }

  /// One organ's polls never take the places of all: the third of four waits for nobody, and another organ's waits.
  @Test func noOrganHoldsAllPlaces() throws {
    let daemon = try Daemon(
      state: StateDirectory(rehearseAt: House.start), extraArguments: ["--set", "limits.waiters=4"])
    let done = Mutex(0)
    for _ in 0..<2 {
      DispatchQueue.global().async {
        _ = try? daemon.client(Qidong.requester).call("GET", "/v1/events?wait=10")
        done.withLock { $0 += 1 }
      }
    }
    try eventually("two wait") {
      try daemon.operatorClient().call("GET", "/metrics").text.contains(#"xiecha_queue_depth{queue="long_polls"} 2"#)
    }
    let third = try Self.milliseconds { _ = try daemon.client(Qidong.requester).call("GET", "/v1/events?wait=30") }
    #expect(third < 10_000, "\(third) ms")
    #expect(done.withLock { $0 == 0 }, "one of the two gave up its place")
    let other = try Self.milliseconds { _ = try daemon.client(Qidong.responder).call("GET", "/v1/events?wait=1") }
    #expect((950..<10_000).contains(other), "\(other) ms")
    try eventually("the first two have an answer", within: 30) { done.withLock { $0 == 2 } }
  }

  @Test func pollsWithNewsDoNotWait() throws {
    let daemon = try House.daemon
    let path = try daemon.open()
    let client = try daemon.client(Qidong.requester)
    for (query, headers, status) in [
      ("?wait=20", [:], 200), ("?wait=20", ["If-None-Match": #""7""#], 200), ("", ["If-None-Match": #""1""#], 304),
      ("?wait=0", ["If-None-Match": #"W/"1""#], 304), ("?wait=20", ["If-None-Match": "*"], 304),
      ("?wait=20", ["If-None-Match": #""7", "8""#], 200), ("", ["If-None-Match": #""7", "1""#], 304),
    ] as [(String, [String: String], Int)] {
      var reply: Reply?
      let took = try Self.milliseconds { reply = try client.call("GET", path + query, headers: headers) }
      #expect(took < 5000, "\(query) \(headers)")
      #expect(reply?.status == status, "\(query) \(headers)")
    }
  }
}
