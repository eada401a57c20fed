internal import Foundation
internal import TestSupport
internal import Testing

/// What holds between a definition and those that are opened after it: found at `check`, before anything is refused.
@Suite(.timeLimit(.minutes(5))) struct DefinitionCheckTests {
  private let files = ProcedureFileTests()

  /// Who may open the sample, who what follows it, and whether everybody who has the one may open the other.
  static let openers: [(source: String, target: String, isCovered: Bool)] = [
    ("[member, credit]", "any", true), ("[member, credit]", "[credit, member, supervisor]", true),
    ("[member]", "itself", true), ("any", "any", true), ("[member, credit]", "[member]", false),
    ("any", "[member, supervisor, credit, hotline]", false),
  ]

  @Test(arguments: openers)
  func whoHasTheSourceMayOpenTheFollowUp(_ source: String, _ target: String, _ isCovered: Bool) throws {
    let next = "next: {procedure: follow, how: opens, data: {code: {value: a}}}"
    let sample = ProcedureFileTests.sample.replacingOccurrences(of: "next: follow", with: next)
      .replacingOccurrences(of: "openers: [member, credit]", with: "openers: \(source)")
      .replacingOccurrences(of: "subject: none", with: "subject: required")
    let follow = ProcedureFileTests.asking + "questions: none\nopeners: \(target)\n"
    let both = ["a.yaml": sample, "b.yaml": follow]
    guard !isCovered else {
      let result = try files.check(both).result
      #expect(result.stderr.contains("does not exist"), "\(result.stderr)")
      return
    }
    let line = try #require(
      sample.split(separator: "\n", omittingEmptySubsequences: false).firstIndex { $0.contains(next) })
    try files.expectFault(
      both, "a.yaml:\(line + 1)", "的 openers / follow may not be opened by all organs that may open sample: ")
  }

  /// Definition, what is put in place of what, the line that is named, and what is said of it.
  static let publications: [(String, String, String, line: String, String)] = [
    (
      "list-adjustment", "{id: approved,", "{id: agreed,", "{id: agreed,",
      "list-adjustment 没有结果 approved，而只有以此答复的才能公布 / list-adjustment has no outcome approved, and only what is answered so can be published"
    ),
    (
      "list-adjustment", "      - {id: exclude, zh: 列入不适用告知承诺制情形, en: Exclude from commitment}\n", "", "- name: change",
      "公布清单所用选项为 add、amend、remove、exclude、include / change has no choice exclude; a publication knows add, amend, remove, exclude, include"
    ),
    (
      "list-adjustment", "- {id: remove,", "- {id: drop,", "- name: change", "change has no choice remove; "
    ),
    (
      "list-adjustment", "- name: change\n", "- name: alteration\n", "# 清单调整：",
      "其选项应为 add、amend、remove、exclude、include / list-adjustment has no field change of type choice with add, amend, remove, exclude, include"
    ),
    (
      "list-filing", "name: list, zh: 清单名称, en: Name of the list, type: text, required: false",
      "name: edition, zh: 版次, en: Edition, type: text, required: true", "name: edition",
      "字段 edition 届时为空，不得为必填 / a publication opens list-filing and fills publishedOn, list, adjustment; edition would stay empty"
    ),
    (
      "format-text-publication", "name: list, zh: 清单名称, en: Name of the list, type: text, required: false",
      "name: adjustment, zh: 清单调整, en: Adjustment, type: request, required: true", "name: adjustment",
      "a publication opens format-text-publication and fills publishedOn, list; adjustment would stay empty"
    ),
  ]

  @Test(arguments: publications) func whatAPublicationReliesOn(
    _ id: String, _ old: String, _ new: String, _ at: String, _ words: String
  ) throws {
    let shipped = try String(contentsOfFile: "\(Binary.packageRoot)/config/procedures/\(id).yaml", encoding: .utf8)
    try #require(shipped.contains(old))
    #expect(try files.check(["a.yaml": shipped]).result.stderr.contains("does not exist"), "as it comes it is in order")
    let text = shipped.replacingOccurrences(of: old, with: new)
    let line = text.split(separator: "\n", omittingEmptySubsequences: false).firstIndex { $0.contains(at) }
    try files.expectFault(["a.yaml": text], "a.yaml:\((line ?? 0) + 1)", words)
  }
}
