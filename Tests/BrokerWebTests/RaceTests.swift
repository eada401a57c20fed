internal import Synchronization
internal import TestSupport
internal import Testing

/// Two move a request at the same moment: whoever is late is told what he would be told a second later.
@Suite(.timeLimit(.minutes(5))) struct RaceTests {
  /// Taken from the organ that is about to answer: it is no party any more, and is not told that there is anything.
  @Test func whoLosesItToATransferLearnsNothing() throws {
    let daemon = try House.daemon
    let move = #"{"to": "\#(Qidong.stranger.code)", "reason": "由其掌握登记信息"}"#
    let (bureau, asked) = (try daemon.client(Qidong.supervisor), try daemon.client(Qidong.responder))
    let told = Mutex<[Int: Int]>([:])
    for _ in 0..<60 {
      let path = try daemon.open()
      let body = answerBody()
      try onThreads(2) { index in
        guard index == 1 else {
          _ = try bureau.call("POST", path + "/transfer", json: move)
          return
        }
        let reply = try asked.call("POST", path + "/answer", json: body)
        told.withLock { $0[reply.status, default: 0] += 1 }
      }
    }
    let statuses = told.withLock { $0 }
    #expect(Set(statuses.keys).isSubset(of: [200, 404]), "\(statuses)")
  }
}
