internal import Foundation
internal import TestSupport
internal import Testing

extension EndToEnd {
  /// Every story of `stories/`, played by the program itself against a daemon of its own. One after the other, as all of
  /// this suite: each has two processes, and some wait for callbacks.
  @Suite struct Stories {
    @Test(arguments: StoryText.all) func comesAsTold(_ story: StoryText) throws {
      let result = try runTool(["demo", "--story", story.path], timeout: 90)
      #expect(result.status == 0, "\(result.stdout)\(result.stderr)")
      // It was this story, told to its end.
      #expect(result.stdout.hasPrefix(story.title) && result.stdout.contains(story.clause))
      #expect(result.stdout.hasSuffix("案例如期走完 / the story came as told: \(story.id)\n"))
    }

    /// Story, what is put in place of what in it, and what is then said: where, what was expected and what came.
    static let slips: [(String, String, String, path: String, expected: String, came: String)] = [
      (
        "complaint", "date: 2026-05-12, workingDays", "date: 2026-05-13, workingDays", "due.date", "2026-05-13",
        "2026-05-12"
      ),
      ("complaint", "problem: not-allowed", "problem: already-extended", "problem", "already-extended", "not-allowed"),
      (
        "complaint", "see: {status: 409, problem: not-allowed}", "see: {state: submitted}", "status", "200",
        "409 not-allowed：本事项不适用“要求补正（ask）”"
      ),
      ("complaint", "once: [T-2, T-1]", "once: [T-2, T-1, T]", "once", "T-2 → T-1 → T", "T-2 → T-1"),
      (
        "complaint", "counted: [2026-05-07, 2026-05-08, 2026-05-09,", "counted: [2026-05-07, 2026-05-08,", "counted",
        "2026-05-07, 2026-05-08, 2026-05-11, 2026-05-12", "2026-05-07, 2026-05-08, 2026-05-09, 2026-05-11, 2026-05-12"
      ),
      (
        "complaint", "outcome: substantiated, data: {toldHow: phone", "outcome: substantiated, data: {toldHow: letter",
        "answer.data.toldHow", "letter", "phone"
      ),
      (
        "spring-festival", "events: [request.submitted], never: [request.due-soon",
        "events: [request.answered], never: [request.due-soon", "events", "type request.answered", "request.submitted"
      ),
      (
        "spring-festival", "events: [request.escalated], never: [request.due-soon]",
        "events: [request.escalated], never: [request.escalated]", "never", "request.escalated ×0",
        "request.escalated(T+1)"
      ),
      (
        "commitment-withdrawal", "withdrawn: [结婚证, 失业登记]", "withdrawn: [结婚证, 生育服务证]", "withdrawn", "生育服务证",
        "结婚证, 失业登记"
      ),
      (
        "criminal-transfer", "see: {status: 404, problem: not-found}", "see: {state: submitted}", "status", "200",
        "404 not-found"
      ),
    ]

    /// A story that expects something else than what comes fails, and says what and where.
    @Test(arguments: slips.indices) func aWrongExpectationFails(_ index: Int) throws {
      let (id, old, new, path, expected, came) = Self.slips[index]
      let story = try #require(StoryText.all.first { $0.id == id })
      let parts = story.text.components(separatedBy: old)
      try #require(parts.count > 1, "\(old)")
      let directory = NSTemporaryDirectory() + "xiecha-slip-\(UUID().uuidString)"
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(atPath: directory) }
      let file = "\(directory)/\(id).yaml"
      // The last of them, so that everything before it was as told.
      let text = parts.dropLast().joined(separator: old) + new + (parts.last ?? "")
      try text.write(toFile: file, atomically: false, encoding: .utf8)
      let result = try runTool(["demo", "--story", file], timeout: 90)
      #expect(result.status == 1 && result.stderr.contains("the story \(id) did not come as told"), "\(result.stderr)")
      #expect(!result.stdout.contains("如期走完"))
      let said = result.stdout.components(separatedBy: "✗")
      try #require(said.count == 2, "\(result.stdout)")
      // A status that nobody wrote down is missed at the step itself.
      let line = text.components(separatedBy: new)[0].count { $0 == "\n" } + 1
      let place = path == "status" ? ": status\n" : ":\(line): \(path)\n"
      for part in ["\(file):", place, "应为 expected  \(expected)", "实为 came      \(came)"] {
        #expect(said[1].contains(part), "\(part)\n\(said[1])")
      }
    }

    @Test func everyProcedureHasAStoryWithItsClause() throws {
      let directory = Binary.packageRoot + "/config/procedures"
      let names = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".yaml") }
      #expect(names.count >= 20)
      for name in names.sorted() {
        let text = try String(contentsOfFile: directory + "/" + name, encoding: .utf8)
        let id = try #require(StoryText.value("id", in: text))
        let story = try #require(StoryText.all.first { $0.id == id }, "\(id) has no story")
        #expect(story.procedure == id && story.clause == StoryText.value("clause", in: text), "\(story)")
        // What it proves could have gone otherwise: at least one thing is refused on the way.
        #expect(story.text.contains("problem: "), "\(story)")
      }
    }

    /// The other ones prove clauses of the plans as well.
    @Test func everyClauseIsOfAPlan() {
      #expect(StoryText.all.count >= 24)
      for story in StoryText.all {
        let plans = ["启东方案", "阿拉善右旗方案", "西安方案", "莱芜方案", "崂山方案"]
        #expect(plans.contains { story.clause.hasPrefix($0 + " ") }, "\(story): \(story.clause)")
        #expect(StoryText.value("id", in: story.text) == story.id)
      }
    }

    @Test func theReadmeListsThem() throws {
      let readme = try String(contentsOfFile: StoryText.directory + "/README.md", encoding: .utf8)
      let rows = readme.split(separator: "\n").filter { $0.hasPrefix("| [") }.map(String.init)
      let expected = StoryText.all.map { "| [\($0.id)](\($0.id).yaml) | \($0.title) | \($0.clause) |" }
      #expect(Set(rows) == Set(expected) && rows.count == expected.count)
    }
  }
}

/// A file of `stories/`, as far as a test can tell without the program's own reader.
struct StoryText: Sendable, CustomTestStringConvertible {
  let id: String
  let text: String

  static let directory = Binary.packageRoot + "/Tests/EndToEnd/stories"

  static let all: [StoryText] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    return names.filter { $0.hasSuffix(".yaml") }.sorted().map { name in
      StoryText(
        id: String(name.dropLast(".yaml".count)),
        text: (try? String(contentsOfFile: directory + "/" + name, encoding: .utf8)) ?? "")
    }
  }()

  var path: String { "\(Self.directory)/\(id).yaml" }
  var testDescription: String { "\(id) \(title)" }
  var procedure: String { Self.value("procedure", in: text) ?? "" }
  var clause: String { Self.value("clause", in: text) ?? "" }
  /// The first `zh` is the title's.
  var title: String { Self.value("  zh", in: text) ?? "" }

  static func value(_ key: String, in text: String) -> String? {
    text.split(separator: "\n").first { $0.hasPrefix(key + ": ") }.map { String($0.dropFirst(key.count + 2)) }
  }
}
