internal import Foundation
internal import TestSupport
internal import Testing

/// `xiecha workdays` against the vectors, which were worked out by other programs.
@Suite(.timeLimit(.minutes(5))) struct WorkdaysTests {
  struct Vector: Sendable, CustomTestStringConvertible {
    let received, days, due, expires: String
    var testDescription: String { "\(received) + \(days)" }
  }

  /// Every fourth of them; the domain's own tests go through all.
  static let vectors: [Vector] = {
    let path = Binary.packageRoot + "/Tests/BrokerDomainTests/vectors/deadline-vectors.csv"
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    let rows = text.split(separator: "\n").dropFirst().map { $0.split(separator: ",").map(String.init) }
    return rows.enumerated().filter { $0.offset % 4 == 0 && $0.element.count == 4 }.map {
      Vector(received: $0.element[0], days: $0.element[1], due: $0.element[2], expires: $0.element[3])
    }
  }()

  @Test func thereAreVectors() { #expect(Self.vectors.count >= 10) }

  @Test(arguments: vectors) func vector(_ vector: Vector) throws {
    let arguments = ["workdays", "--from", vector.received, "--days", vector.days]
    let json = try runTool(arguments + ["--json"])
    #expect(json.status == 0, "\(json.stderr)")
    #expect(json.json["date"].string == vector.due && json.json["at"].string == vector.expires)
    let days = try #require(json.json["explanation"].array)
    #expect(days.count { $0["counted"].bool == true } == Int(vector.days))
    #expect(days.last?["date"].string == vector.due)
    let text = try runTool(arguments)
    #expect(text.status == 0)
    for part in [vector.due, vector.expires, "第\(vector.days)日"] {
      #expect(text.stdout.contains(part), "\(part) not in \(text.stdout)")
    }
  }

  @Test func aDirectorysOwnCalendarComesFirst() throws {
    let state = try StateDirectory(example: nil)
    let file = state.path + "/notice.csv"
    try "date,kind,festival,notice\n2026-03-03,off,测试,测试通知\n".write(
      toFile: file, atomically: false, encoding: .utf8)
    #expect(try state.run(["import", "calendar", file]).status == 0)
    let arguments = ["workdays", "--from", "2026-03-02T10:00:00+08:00", "--days", "1", "--json"]
    #expect(try runTool(arguments).json["date"].string == "2026-03-03")
    #expect(try state.run(arguments).json["date"].string == "2026-03-04")
  }

  /// The command and the API count with the same end of the last day.
  @Test(arguments: ["24:00", "17:30"]) func aDirectorysLastMomentCounts(_ moment: String) throws {
    let state = try StateDirectory(config: ["deadlines.lastMoment": "\"\(moment)\""])
    let from = "2026-03-02T10:00:00+08:00"
    let command = try state.run(["workdays", "--from", from, "--days", "5", "--json"]).json
    let daemon = try Daemon(state: state)
    let path = "/v1/working-days?from=\(from.replacingOccurrences(of: "+", with: "%2B"))&days=5"
    let api = try daemon.client(.requester).call("GET", path).json
    #expect(command["at"].string == (moment == "24:00" ? "2026-03-10T00:00:00+08:00" : "2026-03-09T17:30:00+08:00"))
    #expect(api["at"].string == command["at"].string && api["date"].string == command["date"].string)
  }

  @Test func yearsWithoutANoticeAreProvisional() throws {
    let result = try runTool(
      ["workdays", "--from", "2031-03-03T10:00:00+08:00", "--days", "2", "--json"]).json
    #expect(result["date"].string == "2031-03-05" && result["provisional"].bool == true)
    let known = try runTool(
      ["workdays", "--from", "2026-03-02T10:00:00+08:00", "--days", "2", "--json"]).json
    #expect(known["provisional"].bool == false)
  }
}
