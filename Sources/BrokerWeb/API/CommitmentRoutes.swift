internal import BrokerDomain
internal import BrokerStore
internal import HTTPTypes

/// 承诺退出: an applicant who takes a promise back ends every check of it at once (阿拉善右旗方案 三(五)、启东方案 二(四)).
struct CommitmentRoutes {
  let broker: Broker

  /// In one commit, so that nobody sees half of it.
  private static let most = 1000

  func withdraw(_ call: Call) async throws -> Reply {
    try call.checkQuery()
    let organ = try call.requireOrgan()
    let json = try call.json()
    var reader = BodyReader()
    let m = reader.object(json, at: "", members: ["number", "reason"]) ?? Members()
    let number = reader.text(m["number"], at: "/number", required: true, longest: 100)
    let reason = reader.text(m["reason"], at: "/reason", required: true, longest: 4000)
    guard let number, let reason, reader.faults.isEmpty else { throw reader.problem(in: json) }
    let keys = try await broker.store.openRequests(of: organ.number, commitment: number)
    guard keys.count <= Self.most else {
      throw Problem(
        .conflict, "too-many", "该承诺有\(keys.count)件未办结请求，超过一次可撤回的\(Self.most)件，请逐件撤回",
        "\(keys.count) requests are open under it, and \(Self.most) can be withdrawn at once; withdraw them one by one")
    }
    let trace = call.trace
    return try await broker.once(call, .ok) { context in
      var withdrawn: [AssistanceRequest] = []
      for key in keys {
        // One that was answered a moment ago stays answered, and what a decided case has brought about (a credit report, a
        // transfer to the police) stays as well: a commitment is taken back before the case is decided.
        guard let stored = try context.readableRequest(key: key, otherwise: "it is not withdrawn with its commitment"),
          stored.request.state.name.isOpen, stored.request.progress.origin == nil
        else { continue }
        withdrawn.append(
          try context.carryOut(.withdraw(Withdrawal(reason: reason)), on: stored, by: organ.code, trace: trace))
      }
      return Self.body(number, withdrawn)
    }
  }

  private static func body(_ number: String, _ withdrawn: [AssistanceRequest]) -> [UInt8] {
    Reply { w in
      w.string("number", number)
      w.array("items") { w in
        for request in withdrawn {
          w.object { w in
            w.string("id", request.id.description)
            w.int("version", request.version)
            w.string("state", request.state.name.rawValue)
          }
        }
      }
    }.body
  }
}
