internal import TestSupport
internal import Testing

/// What fills a sealed follow-up is not read beside it: the text of the disposal or the answer that brought it about is for
/// the organ that wrote it, and everybody else learns the measure or the outcome only.
@Suite(.timeLimit(.minutes(5))) struct SealedTextTests {
  private static let words = "伪造结婚证骗取医保待遇"
  private static let requester = Qidong.市医保局
  private static let responder = Qidong.市民政局

  private static func contradicted(_ daemon: Daemon) throws -> String {
    let path = try daemon.open()
    try daemon.client(responder).done("POST", path + "/answer", json: answerBody(result: "contradicted"))
    return path
  }

  private static func falseCommitment(_ daemon: Daemon) throws -> String {
    let data = JSONBody(parsing: Array(#"{"falsehood": "查无结婚登记"}"#.utf8))
    return try daemon.open(
      marriageRequest(
        to: nil,
        extra: ["procedure": .string("false-commitment"), "item": .missing, "questions": .missing, "data": data]))
  }

  private static func disposal(_ measure: String, _ text: String = words) -> String {
    #"{"measure": "\#(measure)", "text": "\#(text)"}"#
  }

  private static func answer(_ outcome: String, _ text: String = words) -> String {
    #"{"outcome": "\#(outcome)", "text": "\#(text)", "signatory": "王五", "data": {"decidedOn": "2026-03-02"}}"#
  }

  /// Everything that an organ may read of a request.
  private static func read(_ path: String, _ organ: Qidong, _ daemon: Daemon) throws -> String {
    let role = organ == .supervisor ? "supervisor" : organ == requester ? "requester" : "responder"
    return try [path, path + "/timeline", "/v1/events?limit=500"].map {
      try daemon.client(organ).done("GET", $0).text
    }.joined(separator: "\n") + list(organ, daemon, as: role)
  }

  private static func list(_ organ: Qidong, _ daemon: Daemon, as role: String = "requester") throws -> String {
    try daemon.client(organ).done("GET", "/v1/requests?role=\(role)&limit=100").text
  }

  @Test func theTextOfADisposal() throws {
    let daemon = try House.daemon
    let path = try Self.contradicted(daemon)
    let disposed = try daemon.client(Self.requester).done(
      "POST", path + "/dispose", json: Self.disposal("transfer-criminal"))
    #expect(disposed.json["disposal"]["text"].string == Self.words)
    #expect(try daemon.client(Self.requester).get(path)["disposal"]["text"].string == Self.words)
    // What was written for the one is not shown to the others, whoever reads first.
    #expect(try Self.list(Self.requester, daemon).contains(Self.words))
    for organ in [Self.responder, .supervisor] {
      let text = try Self.read(path, organ, daemon)
      #expect(!text.contains(Self.words) && text.contains("transfer-criminal"), "\(text)")
      let shown = try daemon.client(organ).get(path)["disposal"]
      #expect(
        shown["measure"].string == "transfer-criminal" && shown["at"].string != nil && shown["text"].string == nil)
    }
    #expect(try Self.list(Self.requester, daemon).contains(Self.words))
    // What no sealed follow-up takes over is there for all who may read the request.
    let plain = try Self.contradicted(daemon)
    try daemon.client(Self.requester).done("POST", plain + "/dispose", json: Self.disposal("terminate", "终止办理"))
    #expect(try daemon.client(Self.responder).get(plain)["disposal"]["text"].string == "终止办理")
  }

  @Test func theTextOfAnAnswer() throws {
    let daemon = try House.daemon
    let path = try Self.falseCommitment(daemon)
    let answered = try daemon.client(Self.requester).done(
      "POST", path + "/answer", json: Self.answer("transfer-criminal"))
    #expect(answered.json["answer"]["text"].string == Self.words)
    #expect(try Self.list(Self.requester, daemon).contains(Self.words))
    let text = try daemon.client(.supervisor).done("GET", path).text
    let others = try Self.read(path, .supervisor, daemon)
    #expect(text.contains(#""outcome":"transfer-criminal""#) && !(text + others).contains(Self.words), "\(text)")
    let plain = try Self.falseCommitment(daemon)
    try daemon.client(Self.requester).done("POST", plain + "/answer", json: Self.answer("terminate", "终止办理"))
    #expect(try daemon.client(.supervisor).get(plain)["answer"]["text"].string == "终止办理")
  }

  /// A full callback tells all the same, but for the words of the organ to which it goes; what it links stays as told.
  @Test func fullCallbacks() throws {
    let daemon = try Daemon(state: StateDirectory(rehearseAt: House.start))
    let sink = try Sink()
    for (organ, name) in [(Self.requester, "/requester"), (Self.responder, "/responder"), (.supervisor, "/supervisor")]
    {
      try daemon.register(sink.url + name, events: "request.closed", body: "full", for: organ)
      try daemon.register(sink.url + name, events: "request.answered", body: "full", for: organ)
    }
    let path = try Self.contradicted(daemon)
    try daemon.client(Self.requester).done("POST", path + "/dispose", json: Self.disposal("transfer-criminal"))
    let own = try Self.falseCommitment(daemon)
    try daemon.client(Self.requester).done("POST", own + "/answer", json: Self.answer("transfer-criminal"))
    // The first answer to two, the disposal to two, the second answer to one and its copy.
    #expect(sink.wait(for: 6))
    for push in sink.received {
      let isTold = push.path == "/requester" && push.text.contains("transfer-criminal")
      #expect(push.text.contains(Self.words) == isTold, "\(push.path): \(push.text)")
      #expect(!push.text.contains("criminal-transfer"))
    }
    #expect(
      sink.received.filter { $0.text.contains("transfer-criminal") }.map(\.path).sorted() == [
        "/requester", "/requester", "/responder",
      ])
  }
}
