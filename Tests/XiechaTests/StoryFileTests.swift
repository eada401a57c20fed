internal import Foundation
internal import TestSupport
internal import Testing

@testable internal import xiecha

/// Finding stories, and what is said of one that cannot be read: file, line, and what was expected.
@Suite(.timeLimit(.minutes(5))) struct StoryFileTests {
  static let sample = #"""
    id: sample
    title: {zh: 样本, en: Sample}
    procedure: complaint
    clause: 样本方案 一(一)
    proves: {zh: 样本, en: Sample}
    example: qidong
    startsAt: 2026-05-06T10:00:00+08:00
    cast: {热线: 市市域治理现代化指挥中心, 医保局: 市医保局}
    steps:
      - zh: 提出
        en: Opened
        who: 热线
        open: 投诉
        with: {procedure: complaint, to: 医保局, purpose: 调查, data: {complaint: 索要证明}}
        see: {state: submitted, due: {date: 2026-05-12}}
      - {zh: 时钟, en: Clock, advance: "2026-05-07T10:00:00+08:00"}
      - {zh: 催办, en: Reminded, who: 热线, remind: 投诉, with: {text: "请办理 ${投诉}"}}
      - {zh: 经过, en: Timeline, who: 热线, timeline: 投诉, see: {events: [request.submitted], once: [T-2], never: [request.closed]}}
      - {zh: 算式, en: Sum, who: 热线, deadline: 投诉, see: {counted: [2026-05-07]}}
      - {zh: 查看, en: Seen, who: 医保局, expect: 投诉, see: {status: 404, problem: not-found}}

    """#

  /// What is put in place of what, on one line of the sample, and what is then said of that line.
  static let faults: [(String, String, String)] = [
    ("id: sample", "id: other", "案例 other 的文件名应为 other.yaml / the story other belongs into a file other.yaml"),
    ("clause: 样本", "clauses: 样本", "there is no key clauses here; known: id, title"),
    ("clause: 样本方案 一(一)", "clause: ''", "text was expected here"),
    ("title: {zh: 样本, en: Sample}", "title: {zh: 样本}", "the key en is missing"),
    (
      "startsAt: 2026-05-06T10:00:00+08:00", "startsAt: 2026-05-06",
      "startsAt 应为 RFC 3339 时刻 / startsAt is a moment of RFC 3339"
    ),
    ("cast: {热线: 市市域治理现代化指挥中心, 医保局: 市医保局}", "cast: [热线]", "cast 应为一组简称，各对应机关目录中的一个机关 / cast is a group of short names"),
    ("who: 热线\n    open", "who: 市长\n    open", "cast 中没有市长，现有医保局、热线 / 市长 is not in the cast; there are 医保局, 热线"),
    ("open: 投诉", "opens: 投诉", "there is no key opens here; known: zh, en, who, with, see, open, acknowledge"),
    ("to: 医保局", "to: 财政局", "财政局 is not in the cast"),
    ("state: submitted, due", "stat: submitted, due", "there is no key stat here; known: status, problem, id"),
    ("remind: 投诉", "remind: 举报", "此前没有步骤提出名为“举报”的请求 / no request was opened under the name 举报 before this step"),
    ("${投诉}", "${举报}", "no request was opened under the name 举报 before this step"),
    ("who: 热线, remind: 投诉", "remind: 投诉", "the key who is missing"),
    ("remind: 投诉,", "remind: 投诉, close: 投诉,", "不能同时为 remind、close / a step does exactly one of open, acknowledge"),
    ("who: 热线, remind: 投诉, with", "who: 热线, with", "a step does exactly one of open, acknowledge"),
    ("2026-05-07T10:00:00+08:00\"", "tomorrow\"", "advance is a moment of RFC 3339"),
    ("advance: \"2026", "who: 热线, advance: \"2026", "时钟自行前进，请删去 who / the clock moves by itself: leave who out"),
    (
      "[request.submitted]", "[request.opened]",
      "事件只可为所列之一 / an event is one of request.submitted, request.acknowledged"
    ),
    ("[request.submitted]", "[]", "events names one at least"),
    ("once: [T-2]", "once: [T-9]", "提醒节点只可为所列之一 / one of the rungs is one of T-2, T-1, T, T+1"),
    ("counted: [2026-05-07]", "counted: [5月7日]", "YYYY-MM-DD was expected here"),
    (", see: {counted: [2026-05-07]}", "", "the key see is missing"),
    (
      "status: 404, problem", "problem", "有 problem 的，应写明 status，且不小于400 / a problem comes with a status of 400 or more"
    ),
    ("expect: 投诉,", "expect: 投诉, with: {text: 无},", "who only looks sends nothing: leave with out"),
    ("zh: 查看, en", "zh: 查看, zh: 查看, en", "a key stands twice: zh"),
  ]

  /// Does something with a file that holds this story.
  private func written<T>(_ text: String, _ body: (String) throws -> T) throws -> T {
    let directory = NSTemporaryDirectory() + "xiecha-story-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let file = directory + "/sample.yaml"
    try text.write(toFile: file, atomically: false, encoding: .utf8)
    return try body(file)
  }

  @Test(arguments: faults.indices) func fault(_ index: Int) throws {
    let (old, new, words) = Self.faults[index]
    let start = try #require(Self.sample.range(of: old))
    let line = Self.sample[..<start.lowerBound].count { $0 == "\n" } + 1
    try written(Self.sample.replacingOccurrences(of: old, with: new)) { file in
      let fault = #expect(throws: ConfigurationFault.self) { try StoryReader.load(file: file) }
      let lines = [line, line + (old.contains("\n") ? 1 : 0)]
      #expect(lines.contains { fault?.place == "\(file):\($0)" }, "line \(line): \(fault as Any)")
      expectBoth(fault?.what ?? "", words)
    }
  }

  /// The sample is in order as far as it can be read, and its last step does not come as told.
  @Test func theSampleIsRead() throws {
    let result = try written(Self.sample) { try runTool(["demo", "--story", $0], timeout: 60) }
    #expect(result.status == 1 && result.stdout.contains("应为 expected  T-2"), "\(result.stdout)\(result.stderr)")
  }

  @Test func anOrganThatTheDirectoryDoesNotHave() throws {
    try written(Self.sample.replacingOccurrences(of: "医保局: 市医保局", with: "医保局: 市气象局")) { file in
      let result = try runTool(["demo", "--story", file], timeout: 60)
      #expect(result.status == 2 && result.stderr.contains("\(file):8: "), "\(result.stderr)")
      expectBoth(result.stderr, "qidong 的机关目录中没有市气象局 / the directory of qidong has no organ 市气象局")
    }
  }

  /// By its bare name, as the help and the README say.
  @Test func aStoryByItsName() throws {
    let result = try runTool(["demo", "--story", "complaint"], timeout: 90)
    #expect(result.status == 0, "\(result.stdout)\(result.stderr)")
    #expect(result.stdout.hasPrefix("群众投诉"))
    #expect(result.stdout.hasSuffix("案例如期走完 / the story came as told: complaint\n"))
  }

  @Test func withoutANameAllAreListed() throws {
    let result = try runTool(["demo", "--story"])
    #expect(result.status == 0 && result.stderr.isEmpty)
    for part in ["\n  complaint\n      群众投诉", "\n  spring-festival\n", "within five days"] {
      #expect(result.stdout.contains(part), "\(result.stdout)")
    }
  }

  /// An installation has them beside its procedures.
  @Test func aShareDirectoryBringsItsOwn() throws {
    let share = NSTemporaryDirectory() + "xiecha-share-\(UUID().uuidString)"
    let manager = FileManager.default
    try manager.copyItem(atPath: Binary.packageRoot + "/config", toPath: share)
    defer { try? manager.removeItem(atPath: share) }
    let environment = ["XIECHA_SHARE_DIR": share]
    let none = try runTool(["demo", "--story"], environment: environment)
    #expect(none.status == 2, "\(none.stdout)")
    expectBoth(none.stderr, "此处没有案例目录 stories/ / the stories were not found here")
    try manager.createDirectory(atPath: share + "/stories", withIntermediateDirectories: false)
    try Self.sample.write(toFile: share + "/stories/sample.yaml", atomically: false, encoding: .utf8)
    let one = try runTool(["demo", "--story"], environment: environment)
    #expect(one.status == 0 && one.stdout == "案例 / stories:\n  sample\n      样本\n      Sample\n", "\(one.stdout)")
  }

  @Test(arguments: [
    (["--story", "complains"], "there is no story complains"), (["complaint"], "did you mean --story complaint?"),
    (["--story", "complaint", "--once"], "leave --once and --state-dir out"),
    (["--story", "/none/complaint.yaml"], "/none/complaint.yaml: 无法读取：没有这一文件 / cannot be read: there is no"),
  ])
  func badUsage(_ words: [String], _ said: String) throws {
    let result = try runTool(["demo"] + words)
    #expect(result.status == 2 && result.stdout.isEmpty && result.stderr.contains(said), "\(result.stderr)")
    if words.contains("complains") { #expect(result.stderr.contains("  complaint\n      群众投诉")) }
  }
}
