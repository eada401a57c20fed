internal import BrokerDomain
internal import Foundation
internal import TestSupport
internal import Testing

/// A supervisor sees the requests of its region and of what lies below it, and no others.
@Suite(.timeLimit(.minutes(1)))
struct SupervisionTests {
  /// A made-up organ of a region.
  private struct Organ {
    let code: String
    let row: String

    init(_ name: String, role: String, region: String) throws {
      let stem = "11\(region)99999990\(serial() % 10)"
      let sound = "0123456789ABCDEFGHJKLMNPQRTUWXY".compactMap { try? OrganCode("\(stem)\($0)") }
      code = try #require(sound.first).description
      row = "\(code),\(name),\(name),\(role),\(region)"
    }
  }

  @Test func regionsDecide() throws {
    let daemon = try Daemon(state: StateDirectory())
    let organs: [(organ: Organ, status: Int)] = [
      (try Organ("南通市司法局", role: "supervisor", region: "320600"), 200),
      (try Organ("江苏省司法厅", role: "supervisor", region: "320000"), 200),
      (try Organ("如东县司法局", role: "supervisor", region: "320623"), 404),
      (try Organ("苏州市司法局", role: "supervisor", region: "320500"), 404),
      (try Organ("上海市司法局", role: "supervisor", region: "310000"), 404),
      (try Organ("南通市民政局", role: "member", region: "320600"), 404),
    ]
    let file = daemon.state.path + "/organs.csv"
    let rows = ["code,name,short_name,role,region"] + organs.map(\.organ.row)
    try rows.joined(separator: "\n").write(toFile: file, atomically: false, encoding: .utf8)
    let imported = try daemon.state.run(["import", "organs", file])
    #expect(imported.status == 0, "\(imported.stderr)")
    let path = try daemon.open()
    for (organ, status) in organs {
      // Both reach the running daemon before the command ends.
      let issued = try daemon.state.run(["key", "create", "--organ", organ.code, "--json"])
      let key: String = try #require(issued.json["key"].string, "\(issued.stderr)")
      let client = daemon.client(key: key)
      for part in ["", "/timeline", "/deadline"] {
        let reply = try client.call("GET", path + part)
        #expect(reply.status == status, "\(organ.row) \(part): \(reply.text)")
      }
      expectProblem(
        try client.call("POST", path + "/answer", json: answerBody()), status == 200 ? 403 : 404,
        status == 200 ? "forbidden" : "not-found", organ.row)
      let id = try #require(issued.json["id"].int)
      #expect(try daemon.state.run(["key", "revoke", "\(id)"]).status == 0)
      expectProblem(try client.call("GET", "/v1/organs"), 401, "unauthenticated", organ.row)
    }
  }
}
