internal import Foundation
internal import Synchronization
internal import TestSupport
internal import Testing

/// A backup is taken while work goes on, and is worth what can be restored from it.
@Suite(.timeLimit(.minutes(5))) struct BackupTests {
  @Test func onlineBackupUnderLoadRestoresToTheSame() throws {
    let state = try StateDirectory()
    let daemon = try Daemon(state: state)
    let copy = state.path + "/backup-1.sqlite"
    let done = Mutex<[String]>([])
    let stop = Mutex(false)
    let counts = Mutex((before: 0, after: 0))
    try onThreads(4) { index in
      if index > 0 {
        let (requester, responder) = (try daemon.client(.requester), try daemon.client(.responder))
        while !stop.withLock({ $0 }) {
          let reply = try requester.call("POST", "/v1/requests", json: marriageRequest())
          guard let id = reply.json["id"].string else { throw WaitFault(reply.text) }
          _ = try responder.call("POST", "/v1/requests/\(id)/answer", json: answerBody())
          done.withLock { $0.append(id) }
        }
        return
      }
      defer { stop.withLock { $0 = true } }
      try eventually("some work") { done.withLock { $0.count } > 20 }
      counts.withLock { $0.before = done.withLock { $0.count } }
      let result = try state.run(["backup", copy])
      #expect(result.status == 0, "\(result.stderr)")
      counts.withLock { $0.after = done.withLock { $0.count } }
    }
    // Answered before the backup began, so it is in there whole.
    let (before, after) = counts.withLock { $0 }
    let ids = Array(done.withLock { $0 }.prefix(before))
    let mode = try FileManager.default.attributesOfItem(atPath: copy)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    #expect(try state.run(["backup", copy]).status != 0, "an old backup is not overwritten")

    let restored = try Self.restore(copy)
    let rows = try Self.rows(restored)
    // Three clients may each have had one more under way.
    #expect((before...(after + 3)).contains(rows["requests"] ?? 0), "\(before) \(rows) \(after)")
    let second = try Daemon(state: restored)
    for (organ, id) in ids.map({ (Qidong.requester, $0) }) + ids.prefix(5).map({ (.responder, $0) }) {
      let key = try state.key(of: organ)
      for path in ["/v1/requests/\(id)", "/v1/requests/\(id)/timeline"] {
        let (old, new) = (daemon.client(key: key), second.client(key: key))
        let (there, here) = (try old.call("GET", path), try new.call("GET", path))
        // Reading is noted on each side by itself, so of the timeline the events are compared.
        let isSame = path.hasSuffix("timeline") ? there.json["items"] == here.json["items"] : there.body == here.body
        #expect(there.status == 200 && isSame, "\(there.text)\n\(here.text)")
      }
    }
    #expect(
      try second.client(key: state.key(of: Qidong.requester)).call(
        "POST", "/v1/requests", json: marriageRequest()
      ).status == 201)
  }

  @Test func backupAtRestHasTheSameRows() throws {
    let state = try StateDirectory()
    let daemon = try Daemon(state: state)
    let sink = try Sink { _ in .status(500) }
    let organ = try daemon.client(.responder)
    _ = try organ.call("POST", "/v1/endpoints", json: #"{"url": "\#(sink.url)"}"#)
    for _ in 0..<10 {
      _ = try daemon.client(.requester).call("POST", "/v1/requests", json: marriageRequest())
    }
    #expect(try daemon.terminate() == 0)
    let copy = state.path + "/b.sqlite"
    #expect(try state.run(["backup", copy]).status == 0)
    let rows = try Self.rows(state)
    #expect(rows["requests"] == 10 && rows["outbox"] == 10 && rows["keys"] == 19, "\(rows)")
    #expect(try Self.rows(try Self.restore(copy)) == rows)
  }

  /// As `xiecha backup --help` says: the copy in place of the database, without its log.
  private static func restore(_ copy: String) throws -> StateDirectory {
    let state = try StateDirectory(example: nil)
    let database = state.path + "/xiecha.sqlite"
    for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: database + suffix) }
    try FileManager.default.copyItem(atPath: copy, toPath: database)
    return state
  }

  /// What `verify` counts, after it has found no fault.
  private static func rows(_ state: StateDirectory) throws -> [String: Int] {
    let result = try state.run(["verify"])
    try #require(result.status == 0, "\(result.stdout)\(result.stderr)")
    var rows: [String: Int] = [:]
    for line in result.stdout.split(separator: "\n") {
      let words = line.split(separator: " ")
      if let count = words.last.flatMap({ Int($0) }) {
        rows[words.dropLast().joined(separator: " ")] = count
      }
    }
    return rows
  }
}
