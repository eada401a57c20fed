internal import TestSupport
internal import Testing

/// Every filter of the polling list, alone and together, on a daemon whose requests are all known.
@Suite(.timeLimit(.minutes(5)))
struct FilterTests {
  /// What is in the database: name → id. `a`…`d` were opened on Monday 2 March 2026; a week later the clock stood at the
  /// 12th, two of them overdue, and the others were opened.
  private struct Scene {
    let daemon: Daemon
    var ids: [String: String] = [:]
    let person = Person(idNumber: "11010519491231002X")
    let turn: String

    init() throws {
      daemon = try Daemon(state: StateDirectory(rehearseAt: House.start))
      turn = "2026-03-12T09:00:00+08:00"
      for name in ["a", "b", "c", "d"] { try open(name) }
      try move("b", "acknowledge", "{}")
      try move("c", "answer", answerBody())
      try move("d", "withdraw", #"{"reason": "退出"}"#, by: .requester)
      try daemon.operatorClient().done("POST", "/v1/rehearsal/advance", json: #"{"to": "\#(turn)"}"#)
      try open("e", marriageRequest(subject: person))
      try open("f", marriageRequest(to: .requester), by: .responder)
      try move("f", "decline", declineBody(), by: .requester)
      try open("g", marriageRequest(subject: person), by: .stranger)
    }

    private mutating func open(_ name: String, _ body: String = marriageRequest(), by organ: Qidong = .requester) throws
    {
      ids[name] = try daemon.submit(body, by: organ)["id"].string
    }

    private func move(_ name: String, _ verb: String, _ body: String, by organ: Qidong = .responder) throws {
      try daemon.client(organ).done("POST", "/v1/requests/\(ids[name] ?? "")/\(verb)", json: body)
    }

    /// The names of what a list holds, newest first.
    func names(_ query: String, _ organ: Qidong) throws -> String {
      try daemon.client(organ).ids("/v1/requests?\(query)").map { id in
        ids.first { $0.value == id }?.key ?? "?"
      }.joined()
    }
  }

  @Test func everyFilter() throws {
    let scene = try Scene()
    let after = "2026-03-11T00:00:00%2B08:00"
    let number = scene.person.idNumber
    let table: [(query: String, requester: String, responder: String)] = [
      ("", "fedcba", "gfedcba"),
      ("role=requester", "edcba", "f"),
      ("role=responder", "f", "gedcba"),
      ("state=submitted", "ea", "gea"),
      ("state=acknowledged", "b", "b"),
      ("state=answered,declined", "fc", "fc"),
      ("state=withdrawn", "d", "d"),
      ("state=submitted,withdrawn&limit=1", "eda", "geda"),
      ("procedure=verification", "fedcba", "gfedcba"),
      ("state=returned", "", ""), ("state=closed,awaiting-supplement", "", ""),
      ("state=returned&role=responder", "", ""),
      ("state=returned,withdrawn", "d", "d"), ("state=returned&subject=\(number)", "", ""),
      ("state=returned&updatedAfter=\(after)", "", ""), ("state=returned&overdue=true", "", ""),
      ("procedure=hotline-transfer", "", ""),
      ("overdue=true", "ba", "ba"),
      ("overdue=false", "fedc", "gfedc"),
      ("overdue=true&state=acknowledged", "b", "b"),
      ("overdue=true&state=answered", "", ""),
      ("dueBefore=2026-03-10", "dcba", "dcba"),
      ("dueBefore=2026-03-09", "", ""),
      ("dueBefore=2026-03-10T00:00:00%2B08:00", "", ""),
      ("dueBefore=2026-03-10T00:00:00.001%2B08:00", "dcba", "dcba"),
      ("dueBefore=2026-03-09T16:00:01Z&state=answered", "c", "c"),
      ("dueBefore=2026-03-09T15:59:59Z", "", ""),
      ("dueBefore=2027-01-01", "fedcba", "gfedcba"),
      ("updatedAfter=\(after)", "fe", "gfe"),
      ("updatedAfter=2026-03-11", "fe", "gfe"),
      ("updatedAfter=2026-03-11T00:00:00+08:00", "fe", "gfe"),
      ("updatedAfter=2026-03-01", "fedcba", "gfedcba"),
      ("updatedAfter=2027-01-01", "", ""),
      ("updatedAfter=\(after)&role=requester", "e", "f"),
      ("updatedAfter=\(after)&state=declined&limit=1", "f", "f"),
      ("subject=\(number)", "e", "ge"),
      ("subject=\(number.lowercased())", "e", "ge"),
      ("subject=\(number)&role=responder", "", "ge"),
      ("subject=\(number)&limit=1", "e", "ge"),
      ("subject=\(number)&state=answered", "", ""),
      ("subject=\(number)&updatedAfter=\(after)", "e", "ge"),
      ("subject=\(number.prefix(17))", "", ""),
      ("subject=110105", "", ""),
    ]
    for row in table {
      #expect(try scene.names(row.query, .requester) == row.requester, "\(row.query) as requester")
      #expect(try scene.names(row.query, .responder) == row.responder, "\(row.query) as responder")
    }
    #expect(try scene.names("", .stranger) == "g")
    // A supervisor reads what it is shown, but its own list is of its own requests.
    #expect(try scene.names("", .supervisor) == "")
  }

  /// A list holds its requests as each is read alone, byte for byte, in every state and for whoever asks.
  @Test func anItemIsWhatTheRequestAloneIs() throws {
    let scene = try Scene()
    for organ in [Qidong.requester, .responder, .stranger] {
      let client = try scene.daemon.client(organ)
      let list = try client.call("GET", "/v1/requests")
      let alone = try list.json["items"].array?.compactMap(\.["id"].string).map {
        try client.call("GET", "/v1/requests/\($0)").text
      }
      let items = try #require(alone)
      #expect(items.count == (organ == .requester ? 6 : organ == .responder ? 7 : 1))
      #expect(list.text == #"{"items":["# + items.joined(separator: ",") + #"],"next":null}"#)
    }
  }
}
