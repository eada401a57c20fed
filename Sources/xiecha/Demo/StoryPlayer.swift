internal import BrokerDomain

/// Plays one story against a daemon, step by step, and tells it. The first step that does not come as told ends it.
struct StoryPlayer {
  let story: Story
  let daemon: DemoDaemon
  let receiver: Receiver
  /// Alias → code.
  private let cast: [String: String]
  /// Name → id, of the requests that were opened so far.
  private var requests: [String: String] = [:]

  /// Finds the cast in the directory and gives everybody an endpoint at the receiver.
  init(_ story: Story, daemon: DemoDaemon, receiver: Receiver) async throws {
    self.story = story
    self.daemon = daemon
    self.receiver = receiver
    let organs = try await daemon.call("GET", "/v1/organs?limit=500", key: daemon.operatorKey, want: 200)
    var cast: [String: String] = [:]
    for role in story.cast {
      let found = (organs["items"]?.arrayValue ?? []).first { organ in
        ["code", "name", "shortName"].contains { organ[$0]?.stringValue == role.organ }
      }
      guard let code = found?["code"]?.stringValue else {
        throw ConfigurationFault(
          place: "\(story.file):\(role.line)", "\(story.example) 的机关目录中没有\(role.organ)",
          "the directory of \(story.example) has no organ \(role.organ)")
      }
      cast[role.alias] = code
    }
    self.cast = cast
    for code in Set(cast.values) {
      let created = try await daemon.call(
        "POST", "/v1/endpoints", key: daemon.key(of: code),
        body: .object([.init("url", .string("\(receiver.url)/\(code)"))]), want: 201)
      try receiver.trust(code, secret: created["secret"]?.stringValue ?? "")
    }
  }

  mutating func play() async throws {
    for (index, step) in story.steps.enumerated() {
      let came = try await carryOut(step)
      guard came.differences.isEmpty else {
        Tell.failed(index + 1, step)
        for difference in came.differences { Tell.difference(difference, story.file) }
        throw Failure(
          text:
            "“\(story.title.zh)”第\(index + 1)步与案例不符 / the story \(story.id) did not come as told at step \(index + 1)")
      }
      Tell.done(index + 1, step, came.reply)
    }
  }

  /// What came of a step: the reply, and where it is not as told.
  private struct Came {
    let reply: JSON
    var differences: [Difference] = []
  }

  private mutating func carryOut(_ step: Story.Step) async throws -> Came {
    switch step.deed {
    case .advance(let instant):
      let reply = try await daemon.call(
        "POST", "/v1/rehearsal/advance", key: daemon.operatorKey,
        body: .object([.init("to", .string(instant.rfc3339))]), want: 200)
      return Came(reply: reply)
    case .open(let name):
      let came = try await post("/v1/requests", step, want: 201)
      if let id = came.reply["id"]?.stringValue, step.see.problem == nil { requests[name] = id }
      return came
    case .move(let verb, let name):
      return try await post("/v1/requests/\(requests[name] ?? "")/\(verb.rawValue)", step, want: 200)
    case .withdrawCommitment(let number):
      return try await withdraw(number, step)
    case .look(.callback, let name): return try await callbacks(of: name, step)
    case .look(let look, let name): return try await see(look, name, step)
    }
  }

  private var comparison: Comparison { Comparison(cast: cast, requests: requests) }

  private func key(_ step: Story.Step) -> String { daemon.key(of: step.who.flatMap { cast[$0] } ?? "") }

  // MARK: What is sent

  private func post(_ path: String, _ step: Story.Step, want: Int) async throws -> Came {
    let (status, reply) = try await daemon.exchange("POST", path, key: key(step), body: sent(step.with))
    return judged(step, status, reply, want: want)
  }

  /// Members that name an organ.
  private static let organs = ["to", "competentOrgan", "against"]

  /// The body with codes and ids in the place of names.
  private func sent(_ json: JSON, under name: String = "") -> JSON {
    switch json {
    case .string(let text):
      if Self.organs.contains(name), let code = cast[text] { return .string(code) }
      return .string(text.naming(requests))
    case .array(let values): return .array(values.map { sent($0) })
    case .object(let members): return .object(members.map { .init($0.name, sent($0.value, under: $0.name)) })
    case .null, .bool, .number: return json
    }
  }

  private func withdraw(_ number: String, _ step: Story.Step) async throws -> Came {
    guard case .object(let members) = sent(step.with) else { return Came(reply: .null) }
    let body = JSON.object([.init("number", .string(number))] + members)
    let (status, reply) = try await daemon.exchange("POST", "/v1/commitments/withdraw", key: key(step), body: body)
    var came = judged(step, status, reply, want: 200)
    let ids = (reply["items"]?.arrayValue ?? []).compactMap { $0["id"]?.stringValue }
    for name in step.see.withdrawn where !ids.contains(requests[name] ?? "") {
      came.differences.append(
        Difference(
          line: step.see.lines["withdrawn"] ?? step.line, path: "withdrawn", expected: name,
          came: ids.compactMap { id in requests.first { $0.value == id }?.key ?? id }.joined(separator: ", ")))
    }
    return came
  }

  private func judged(_ step: Story.Step, _ status: Int, _ reply: JSON, want: Int) -> Came {
    var came = Came(reply: reply)
    let see = step.see
    if status != see.status ?? want {
      let code = reply["code"]?.stringValue.map { " \($0)" } ?? ""
      let detail = reply["detail"]?.stringValue.map { "：\($0)" } ?? ""
      let faults = (reply["errors"]?.arrayValue ?? []).map { fault in
        " \(fault["pointer"]?.stringValue ?? "") \(fault["detail"]?.stringValue ?? "")"
      }
      came.differences.append(
        Difference(
          line: see.lines["status"] ?? step.line, path: "status", expected: String(see.status ?? want),
          came: "\(status)\(code)\(detail)\(faults.joined())"))
      return came
    }
    if let problem = see.problem {
      let wanted = Wanted.value(.string(problem), line: see.lines["problem"] ?? step.line)
      came.differences += comparison.differences(wanted, reply["code"], "problem")
    }
    for (name, wanted) in see.members { came.differences += comparison.differences(wanted, reply[name], name) }
    return came
  }
}

// MARK: What is seen

extension StoryPlayer {
  private func see(_ look: Story.Look, _ name: String, _ step: Story.Step) async throws -> Came {
    let id = requests[name] ?? ""
    let path =
      switch look {
      case .expect, .callback: "/v1/requests/\(id)"
      case .timeline: "/v1/requests/\(id)/timeline"
      case .deadline: "/v1/requests/\(id)/deadline"
      case .feed: "/v1/events?after=0&limit=500"
      }
    let (status, reply) = try await daemon.exchange("GET", path, key: key(step))
    var came = judged(step, status, reply, want: 200)
    guard came.differences.isEmpty, status == 200 else { return came }
    if look == .deadline { came.differences += counted(reply, step) }
    guard look == .timeline || look == .feed else { return came }
    let events = (reply["items"]?.arrayValue ?? []).filter { look == .timeline || $0["request"]?.stringValue == id }
    came.differences += differences(events, step)
    return came
  }

  private func counted(_ reply: JSON, _ step: Story.Step) -> [Difference] {
    guard !step.see.counted.isEmpty else { return [] }
    let days = (reply["explanation"]?.arrayValue ?? []).filter { $0["counted"]?.boolValue == true }
    let came = days.compactMap { $0["date"]?.stringValue }
    let wanted = step.see.counted.map(\.description)
    guard came != wanted else { return [] }
    return [
      Difference(
        line: step.see.lines["counted"] ?? step.line, path: "counted", expected: wanted.joined(separator: ", "),
        came: came.joined(separator: ", "))
    ]
  }

  private func differences(_ events: [JSON], _ step: Story.Step) -> [Difference] {
    let see = step.see
    var found = see.events.map { comparison.differences($0, .array(events), "events") } ?? []
    let ladder = Set(Rung.allCases.map(\.eventType.rawValue))
    let rungs = events.filter { ladder.contains($0["type"]?.stringValue ?? "") }
      .compactMap { $0["data"]?["rung"]?.stringValue }
    if !see.once.isEmpty, rungs != see.once.map(\.name) {
      found.append(
        Difference(
          line: see.lines["once"] ?? step.line, path: "once", expected: see.once.map(\.name).joined(separator: " → "),
          came: rungs.isEmpty ? "（无 / nothing）" : rungs.joined(separator: " → ")))
    }
    for type in see.never {
      guard let event = events.first(where: { $0["type"]?.stringValue == type }) else { continue }
      found.append(
        Difference(line: see.lines["never"] ?? step.line, path: "never", expected: "\(type) ×0", came: event.plain))
    }
    return found
  }

  /// Waits up to ten seconds for what was told to come; a signature that is wrong ends the wait at once.
  private func callbacks(of name: String, _ step: Story.Step) async throws -> Came {
    let code = step.who.flatMap { cast[$0] } ?? ""
    var came = Came(reply: .null)
    for _ in 0..<1000 {
      let messages = receiver.received(code, about: requests[name] ?? "")
      if let wrong = messages.first(where: { !$0.signed }) {
        throw Failure(text: "签名无效 / the signature of \(wrong.type) is wrong")
      }
      came.differences = differences(messages.map(\.body), step)
      if came.differences.isEmpty { break }
      try await Task.sleep(for: .milliseconds(10))
    }
    return came
  }
}
