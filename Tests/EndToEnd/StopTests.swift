internal import Foundation
internal import Synchronization
internal import TestSupport
internal import Testing

extension EndToEnd {
  /// How the daemon ends, and how it begins again.
  @Suite struct Stop {
    @Test func sigtermDrainsUnderLoad() throws {
      let state = try StateDirectory()
      let daemon = try Daemon(state: state)
      // Slow receivers, so that there is always something on the wire.
      let sinks = try (0..<2).map { _ in try Sink { _ in .delay(ms: 150, .status(204)) } }
      for (sink, organ) in zip(sinks, [Qidong.requester, .responder]) {
        _ = try daemon.client(organ).createEndpoint(sink.url)
      }
      let load = Load(daemon)
      let held = try daemon.client(.supervisor).call("GET", "/v1/events?after=0").json["next"].int
      let ended = Mutex<(code: Int32, seconds: Double)?>(nil)
      let polls = Mutex<[Double]>([])
      try onThreads(8) { index in
        switch index {
        case 0:
          defer { load.stop() }
          pause(milliseconds: 1_500)
          let started = ContinuousClock.now
          let code = try daemon.terminate(timeout: 25)
          ended.withLock { $0 = (code, seconds(since: started)) }
        case 1...3:
          // A long poll that nothing will answer: the supervisor hears of escalations only.
          let client = try daemon.client(.supervisor)
          let started = ContinuousClock.now
          let reply = try client.call("GET", "/v1/events?after=\(held ?? 0)&wait=60", timeout: 40)
          #expect(reply.status == 200 && reply.json["items"] == .array([]), "\(reply.text)")
          polls.withLock { $0.append(seconds(since: started)) }
        default: try load.run(pauseMS: 1...5)
        }
      }
      let end = try #require(ended.withLock { $0 })
      #expect(end.code == 0, "\(daemon.stderrText)")
      #expect(end.seconds < 15)
      #expect(polls.withLock { $0 }.allSatisfy { $0 > 1 && $0 < 17 } && polls.withLock { $0.count } == 3)

      // Nothing runs now: the file alone tells what is delivered and what is still owed.
      let outbox = try state.run(["outbox", "list", "--json", "--limit", "10000"]).json.array ?? []
      let seen = sinks.map(\.receivedCount).reduce(0, +)
      let delivered = outbox.count { $0["state"].string == "delivered" }
      #expect(delivered == seen, "what was on the wire is recorded")
      #expect(outbox.allSatisfy { ["delivered", "pending"].contains($0["state"].string) })

      let next = try Daemon(state: state)
      let record = try Record(of: try next.client(.requester))
      record.expectKept(load.ledger)
      #expect(outbox.count == record.eventCount * 2 && load.ledger.promises.count > 20)
      try eventually("the rest arrives", within: 30) {
        pause(milliseconds: 50)
        return sinks.allSatisfy { $0.receivedCount >= record.eventCount }
      }
      // A drain, unlike a kill, leaves nobody in doubt: no message comes twice.
      for sink in sinks { #expect(record.expectArrived(sink.received) == 0) }
      try state.expectVerified()
    }

    /// A terminal that is closed asks for the same; who started it under nohup did not mean to end it.
    @Test(arguments: [SIGHUP, SIGINT]) func otherWishesToStopDrainToo(_ signal: Int32) throws {
      let state = try StateDirectory()
      let sink = try Sink { _ in .delay(ms: 1_000, .status(204)) }
      let daemon = try Daemon(state: state)
      _ = try daemon.client(.responder).createEndpoint(sink.url)
      _ = try daemon.client(.requester).submit()
      try #require(sink.wait(for: 1))
      daemon.signal(signal)
      #expect(daemon.waitForExit(timeout: 20) == 0, "\(daemon.stderrText)")
      let outbox = try state.run(["outbox", "list", "--json"]).json.array ?? []
      #expect(outbox.map { $0["state"].string } == ["delivered"], "what was on the wire is recorded")
    }

    /// A client that sends its body drop by drop is cut off, rather than keep the daemon from ending.
    @Test func sigtermIsNotHeldUpByAClientThatDrips() throws {
      let state = try StateDirectory()
      let daemon = try Daemon(state: state)
      let key = try state.key(of: .requester)
      let ended = Mutex<(code: Int32, seconds: Double)?>(nil)
      try onThreads(2) { index in
        if index == 0 {
          pause(milliseconds: 500)
          let started = ContinuousClock.now
          let code = try daemon.terminate(timeout: 30)
          ended.withLock { $0 = (code, seconds(since: started)) }
        } else {
          let dripping = try RawConnection(port: daemon.port)
          try dripping.send(
            "POST /v1/requests HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(key)\r\n"
              + "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n{")
          while ended.withLock({ $0 == nil }) {
            // It is hung up on in the end.
            do { try dripping.send(" ") } catch {}
            pause(milliseconds: 100)
          }
        }
      }
      let end = try #require(ended.withLock { $0 })
      #expect(end.code == 0, "\(daemon.stderrText)")
      #expect(end.seconds > 5 && end.seconds < 20, "\(end.seconds) s")
      #expect(daemon.stderrText.contains("they are cut off"))
      try state.expectVerified()
    }

    /// What cannot be looked for before the start is found right after it, and said everywhere.
    @Test func damageDeepInALargeFileIsTold() throws {
      let state = try StateDirectory()
      let file = state.path + "/xiecha.sqlite"
      let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'delivery_dead'"
      let page = try #require(Int(try runTool([file, sql], binary: "/usr/bin/sqlite3").stdout.dropLast()))
      var bytes = Array(try Data(contentsOf: URL(fileURLWithPath: file)))
      let size = Int(bytes[16]) << 8 | Int(bytes[17])
      for at in (page - 1) * size..<page * size { bytes[at] = 0xA5 }
      try Data(bytes).write(to: URL(fileURLWithPath: file))
      #expect(try state.run(["serve", "--listen", "127.0.0.1:0"], timeout: 20).stderr.contains("is damaged"))
      try state.setConfig("database.startCheckMiB", to: "0")
      let daemon = try Daemon(state: state)
      try eventually("the damage is known") { try daemon.client().call("GET", "/readyz").status == 503 }
      let ready = try daemon.client().call("GET", "/readyz").json["database"]
      #expect(ready["damaged"].string?.isEmpty == false && ready["writable"].bool == true)
      #expect(daemon.waitForLog("the database is damaged: "))
      #expect(try daemon.client().call("GET", "/metrics").text.contains("xiecha_database_damaged 1"))
      #expect(try daemon.terminate() == 0)
    }

    /// A restart must not wait for the lease of the process that is gone.
    @Test(arguments: [true, false])
    func pendingCallbacksGoOutAtOnceAfterARestart(killed: Bool) throws {
      let state = try StateDirectory(config: ["callbacks.retry.stepsSeconds": "[2]"])
      let sink = try Sink { _ in .status(500) }
      var daemon = try Daemon(state: state)
      let endpoint = try daemon.client(.responder).createEndpoint(sink.url)
      let id = try daemon.client(.requester).submit()
      try #require(sink.wait(for: 1))
      try eventually("the attempt is on record") {
        try daemon.client(.responder).deliveries(to: endpoint)[0]["attempts"].int == 1
      }
      if killed { daemon.kill9() } else { #expect(try daemon.terminate() == 0) }
      sink.behaviour = { _ in .status(200) }
      let started = ContinuousClock.now
      daemon = try Daemon(state: state)
      try #require(sink.wait(timeout: 20) { $0.count == 2 && $0.allSatisfy { $0.request == id } })
      #expect(seconds(since: started) < 10)
      #expect(sink.received[0].webhookID == sink.received[1].webhookID)
    }
  }
}

func seconds(since start: ContinuousClock.Instant) -> Double {
  Double((ContinuousClock.now - start) / .milliseconds(1)) / 1_000
}
