internal import Foundation
internal import TestSupport
internal import Testing

/// A definition with a mistake is named with file, line and what was expected; nothing starts on it.
@Suite(.timeLimit(.minutes(5))) struct ProcedureFileTests {
  /// Every key, each on a line of its own.
  static let sample = #"""
    id: sample
    title: {zh: 样本, en: Sample}
    clause: 样本方案 一(一)
    openers: [member, credit]
    answerers: any
    clock: {workingDays: 7, from: publishedOn}
    acknowledgeDays: 1
    returnDays: 2
    supplement: restart
    extension: true
    transfer: true
    item: optional
    subject: none
    questions: none
    answer: outcome
    commits: true
    fields:
      - {name: publishedOn, zh: 公布日期, en: Published on, type: date, when: past, required: true}
      - {name: seenOn, zh: 发现日期, en: Seen on, type: date, required: false}
      - {name: order, zh: 工单号, en: Work order, type: text, minLength: 2, maxLength: 40, pattern: '\d+', required: true}
      - {name: count, zh: 件数, en: Count, type: integer, min: 1, max: 9, required: false}
      - {name: channel, zh: 方式, en: Channel, type: choice, required: false, choices: [{id: fax, zh: 传真, en: Fax}]}
    answerFields:
      - {name: toldOn, zh: 告知日期, en: Told on, type: date, required: false}
    outcomes:
      - {id: done, zh: 办结, en: Done, requires: [toldOn]}
      - {id: void, zh: 无, en: Void, next: follow}
    declineReasons: []
    visibility: normal
    copies: [supervisor]
    ladder: [T-1, T]

    """#

  /// What a definition cannot do without, as one was written before it could say more.
  static let least: [(key: String, text: String)] = [
    ("id", "id: follow\n"), ("title", "title: {zh: 后续, en: Follow-up}\n"), ("clause", "clause: 样本方案 一(二)\n"),
    ("clock", "clock: {workingDays: 3}\n"), ("outcomes", "outcomes:\n  - {id: done, zh: 办结, en: Done}\n"),
    ("declineReasons", "declineReasons:\n  - {id: other, zh: 其他, en: Other}\n"), ("ladder", "ladder: [T]\n"),
  ]

  static let follow = least.map(\.text).joined()

  /// A follow-up that asks for something.
  static let asking =
    follow + """
      answer: outcome
      fields: [{name: code, zh: 代码, en: Code, type: text, maxLength: 4, required: true}]

      """

  /// Runs `check` on these definitions.
  func check(_ files: [String: String]) throws -> (result: ToolResult, directory: String) {
    let directory = NSTemporaryDirectory() + "xiecha-procedures-\(UUID().uuidString)"
    let manager = FileManager.default
    try manager.createDirectory(atPath: directory + "/procedures", withIntermediateDirectories: true)
    defer { try? manager.removeItem(atPath: directory) }
    try manager.copyItem(atPath: Binary.packageRoot + "/config/xiecha.yaml", toPath: directory + "/xiecha.yaml")
    for (name, text) in files {
      try text.write(toFile: directory + "/procedures/" + name, atomically: false, encoding: .utf8)
    }
    return (try runTool(["check", "--state-dir", directory], timeout: 20), directory + "/procedures/")
  }

  func expectFault(
    _ files: [String: String], _ place: String, _ words: String, _ at: SourceLocation = #_sourceLocation
  ) throws {
    let (result, directory) = try check(files)
    #expect(result.status == 2, "\(result.stdout)\(result.stderr)", sourceLocation: at)
    let lines = result.stderr.split(separator: "\n")
    let said = lines.first { $0.contains("\(directory)\(place): ") }
    expectBoth(said.map(String.init) ?? "\(place) is not in \(result.stderr)", words, at)
  }

  /// What is put in place of what, on one line of the sample, and what is then said of that line. Some are given in both
  /// languages, one at least of each kind.
  static let faults: [(String, String, String)] = [
    ("extension: true", "extensions: true", "此处没有 extensions 这个键 / there is no key extensions here; known: id, title"),
    ("extension: true", "extension: yes", "extension must be true or false"),
    ("id: sample", "id: Sample", "编号 Sample 不合格式：小写字母、数字和连字符，以字母开头，不超过64个 / Sample is no id: small letters"),
    ("id: sample", "id: [sample]", "text was expected here"),
    ("title: {zh: 样本, en: Sample}", "title: {zh: 样本}", "the key en is missing"),
    ("title: {zh: 样本, en: Sample}", "title: 样本", "a group with the keys zh, en was expected here"),
    ("clause: 样本方案 一(一)", "clause: ''", "text was expected here"),
    (
      "openers: [member, credit]", "openers: [member, police]",
      "openers：没有角色 police / openers: there is no role police; known: member, "
    ),
    ("openers: [member, credit]", "openers: []", "openers is any, or a list of the roles member, supervisor"),
    ("openers: [member, credit]", "openers: [credit, credit]", "openers: the role credit occurs twice"),
    ("answerers: any", "answerers: all", "answerers 应为 any 或者所列角色的列表 / answerers is any, or a list of the roles"),
    ("workingDays: 7", "workingDays: 0", "workingDays must be a whole number from 1 to 250"),
    ("workingDays: 7", "workingDays: 251", "workingDays must be a whole number from 1 to 250"),
    ("workingDays: 7", "workingDays: 7.5", "workingDays must be a whole number from 1 to 250"),
    ("workingDays: 7, ", "", "the key workingDays is missing"),
    ("clock: {workingDays: 7", "clock: {acknowledge: 0", "there is no key from here; known: acknowledge"),
    ("{workingDays: 7, from: publishedOn}", "{acknowledge: 0}", "acknowledge must be a whole number from 1 to 250"),
    ("{workingDays: 7, from: publishedOn}", "{dates: [08-31]}", "the key roll is missing"),
    (
      "{workingDays: 7, from: publishedOn}", "{dates: [08-32], roll: following}",
      "日期应为 MM-DD，依次排列，不得重复 / a date is a day of the year, MM-DD"
    ),
    ("{workingDays: 7, from: publishedOn}", "{dates: [08-31, 02-29], roll: following}", "in order and once each"),
    ("{workingDays: 7, from: publishedOn}", "{dates: [], roll: following}", "a list of dates, MM-DD, was expected"),
    ("{workingDays: 7, from: publishedOn}", "{dates: [08-31], roll: up}", "roll is one of following, preceding"),
    ("7, from: publishedOn", "7, date: order, roll: following", "date is the name of a date of fields; order is none"),
    ("7, from: publishedOn", "7, dates: [08-31]", "there is no key workingDays here; known: dates, roll"),
    ("from: publishedOn", "from: publishedOn, handover: stops", "handover is one of restarts, keeps"),
    ("answerers: any", "answererRegion: below", "answererRegion is one of any, within, covering"),
    ("from: publishedOn", "from: order", "from is receipt or the name of a required date of fields; order is none"),
    (
      "from: publishedOn", "from: seenOn",
      "seenOn 不是 / from is receipt or the name of a required date of fields; seenOn is none"
    ),
    ("from: publishedOn", "from: nowhere", "from is receipt or the name of a required date of fields; nowhere is none"),
    ("from: publishedOn", "from: publishedOn, binds: both", "binds is one of receiver, sender"),
    ("from: publishedOn", "from: receipt, binds: sender", "a clock that binds the sender counts from a field: from or"),
    (
      "from: publishedOn", "from: publishedOn, binds: sender", "a clock that binds the sender is over when it is sent: "
    ),
    (
      "{workingDays: 7, from: publishedOn}", "{acknowledge: 1, binds: sender}", "there is no key binds here; known: ack"
    ),
    (
      "7, from: publishedOn", "7, date: seenOn, roll: following, binds: sender",
      "there is no key binds here; known: date"
    ),
    ("7, from: publishedOn", "7, from: publishedOn, after: order", "there is no key after here; known: workingDays"),
    (
      "{workingDays: 7, from: publishedOn}", "{dates: [08-31], roll: following, after: order}",
      "after is the name of a required text of fields with the pattern [0-9]{4}-H[12]; order is none"
    ),
    ("acknowledgeDays: 1", "acknowledgeDays: 8", "acknowledgeDays is at most the 7 working days of the clock"),
    ("returnDays: 2", "returnDays: 0", "returnDays must be a whole number from 1 to 250"),
    ("supplement: restart", "supplement: pause", "supplement is one of restart, none"),
    ("subject: none", "subject: maybe", "subject 只可为所列之一 / subject is one of none, optional, required"),
    ("answer: outcome", "answer: yes", "answer is one of findings, outcome"),
    ("commits: true", "commits: often", "commits must be true or false"),
    ("name: seenOn", "name: publishedOn", "publishedOn occurs twice"),
    ("name: seenOn", "name: seen-on", "seen-on is no name of a field"),
    ("name: seenOn, ", "", "the key name is missing"),
    ("en: Seen on, ", "", "the key en is missing"),
    ("en: Seen on, type: date", "en: Seen on, type: day", "type is one of text, date, integer"),
    (
      "en: Seen on, type: date", "en: Seen on, type: date, pattern: x",
      "date 类型的字段没有 pattern / a field of type date has no pattern"
    ),
    ("when: past", "when: soon", "when is one of any, past, future"),
    ("when: past", "notBefore: receipt", "notBefore is for dates of answerFields"),
    ("en: Told on, type: date", "en: Told on, type: date, notBefore: today", "notBefore is one of receipt, clock"),
    ("minLength: 2", "notBefore: receipt", "a field of type text has no notBefore"),
    (#"pattern: '\d+'"#, "pattern: '[0-9+'", "the pattern [0-9+ is no regular expression"),
    ("maxLength: 40", "maxLength: 4001", "maxLength must be a whole number from 1 to 4000"),
    ("minLength: 2", "minLength: 41", "minLength must be a whole number from 0 to 40"),
    ("min: 1, ", "", "the key min is missing"),
    ("max: 9", "max: 0", "max must be a whole number from 1 to"),
    ("choices: [{id: fax, zh: 传真, en: Fax}]", "choices: []", "a list of {id, zh, en} was expected here"),
    ("{id: fax, zh: 传真, en: Fax}", "{id: fax, en: Fax}", "the key zh is missing"),
    ("{id: done, zh: 办结, en: Done, ", "{id: done, zh: 办结, ", "the key en is missing"),
    ("{id: void, zh: 无, ", "{id: void, zh: , ", "text was expected here"),
    ("{id: void", "{id: done", "编号 done 重复 / done occurs twice"),
    (
      "requires: [toldOn]", "requires: [toldHow]",
      "requires 中的 toldHow 不是答复字段 / requires names no answer field: toldHow; known: toldOn"
    ),
    ("requires: [toldOn]", "requires: [toldOn, toldOn]", "requires names toldOn twice"),
    ("requires: [toldOn]", "requires: toldOn", "此处应为列表：答复字段 / a list of answer fields was expected here"),
    (
      "next: follow", "next: nothing",
      "void 的 next 所指程序 nothing 不存在 / next of the outcome void names no procedure: nothing; known: follow, sample"
    ),
    ("next: follow", "next: sample", "后续程序构成循环：sample → sample / the follow-ups run in a circle: sample → sample"),
    ("next: follow", "next: {procedure: follow, how: maybe}", "how is one of offers, opens, reverses"),
    ("next: follow", "next: {how: opens}", "the key procedure is missing"),
    ("next: follow", "next: {procedure: follow, data: {}}", "there is no key data here; known: procedure, how"),
    ("next: follow", "next: {procedure: follow, how: opens, field: x}", "there is no key field here; known: procedure"),
    ("next: follow", "next: {procedure: gone, how: opens}", "names no procedure: gone; known: follow, sample"),
    ("next: follow", "next: {procedure: sample, how: opens}", "the follow-ups run in a circle: sample → sample"),
    ("next: follow", "next: {procedure: follow, how: opens}", "follow requires code, and data does not say where"),
    (
      "next: follow", "next: {procedure: follow, how: opens, data: {code: {value: x}}}",
      "follow 须有当事人，而 sample 无从提供 / follow requires a subject, which sample has not to give"
    ),
    (
      "next: follow", "next: {procedure: follow, how: opens, data: {code: order}}",
      "字段 code 的来源只可为所列之一 / code comes from one of id, text, "
    ),
    ("next: follow", "next: {procedure: follow, how: opens, data: {cod: id}}", "follow has no field cod; known: code"),
    (
      "next: follow", "next: {procedure: follow, how: opens, data: {code: data.size}}",
      "字段 code 取自 size，而 sample 的 data 没有这一字段 / code is filled from size, which data of sample has not"
    ),
    (
      "next: follow", "next: {procedure: follow, how: opens, data: {code: answer.toldOn}}",
      "code is a text and cannot be filled from the date toldOn"
    ),
    (
      "next: follow", "next: {procedure: follow, how: opens, data: {code: id}}",
      "code is no request and cannot be filled from id"
    ),
    (
      "next: follow", "next: {procedure: follow, how: opens, data: {code: disposal.code}}",
      "disposal.code, at a disposal, was expected here"
    ),
    (
      "next: follow", "next: {procedure: follow, how: opens, data: {code: {value: seven}}}",
      "seven 不能作为字段 code 的取值：最多4个字符，实为5 / seven is no code: has 5 characters, at most 4"
    ),
    (
      "next: follow", "next: {procedure: follow, how: opens, data: {code: [data.order, answer.toldOn]}}",
      "code is a text and cannot be filled from the date toldOn"
    ),
    (
      "next: follow", "next: {procedure: follow, how: opens, data: {code: [{value: x}, text]}}",
      "what stands before is always there, so that this never counts: leave it out"
    ),
    ("next: follow", "next: {procedure: follow, how: opens, data: {code: []}}", "code comes from one of id, text, "),
    (
      "next: follow", "next: {procedure: follow, how: opens, data: {code: [text, order]}}",
      "code comes from one of id, text, "
    ),
    (
      "next: follow", "next: {procedure: follow, how: opens, data: {code: [text, {value: x}]}}",
      "follow requires a subject, which sample has not to give"
    ),
    (
      "next: follow", "next: {procedure: follow, how: reverses, field: order}",
      "field is the name of a field of type request; order is none"
    ),
    ("next: follow", "next: {procedure: follow, how: reverses}", "the key field is missing"),
    ("next: follow", "next: []", "next is a procedure, {procedure, how}, or a list of these"),
    ("next: follow", "next: [follow, follow]", "next 中 follow 重复 / next names follow twice"),
    ("next: follow", "next: [follow, gone]", "next of the outcome void (2) names no procedure: gone"),
    ("next: follow", "next: [follow, sample]", "the follow-ups run in a circle: sample → sample"),
    ("declineReasons: []", "declineReasons: none", "a list of {id, zh, en} was expected here"),
    ("visibility: normal", "visibility: secret", "visibility is one of normal, sealed"),
    ("copies: [supervisor]", "copies: supervisor", "copies 应为角色的列表 / copies is a list of roles"),
    ("ladder: [T-1, T]", "ladder: [T, T-1]", "a rung of the ladder is one of T-2, T-1, T, T+1, in this order"),
    ("ladder: [T-1, T]", "ladder: [T-3]", "依所列次序，各一次 / a rung of the ladder is one of T-2, T-1, T, T+1, in this order"),
    ("ladder: [T-1, T]", "ladder: T", "a list of rungs was expected here"),
  ]

  @Test(arguments: faults) func fault(_ old: String, _ new: String, _ words: String) throws {
    let lines = Self.sample.split(separator: "\n", omittingEmptySubsequences: false)
    let line = try #require(lines.firstIndex { $0.contains(old) }, "the sample has no \(old)") + 1
    let text = Self.sample.replacingOccurrences(of: old, with: new)
    let (result, directory) = try check([
      "a.yaml": text, "b.yaml": new.hasPrefix("next: {") ? Self.asking : Self.follow,
    ])
    #expect(result.status == 2, "\(result.stdout)")
    #expect(result.stderr.contains("\(directory)a.yaml:\(line): "), "line \(line): \(result.stderr)")
    expectBoth(result.stderr, words)
  }

  /// Faults that need two changes: the second names the line.
  static let pairs: [([(String, String)], String, String)] = [
    ([("visibility: normal", "visibility: sealed")], "copies", "封存的程序不得抄送 / a sealed procedure is copied to nobody"),
    ([("openers: [member, credit]", "openers: itself")], "answerers", "an organ that asks itself has no answerers"),
    (
      [("openers: [member, credit]", "openers: itself"), ("answerers: any\n", "")], "returnDays",
      "an organ that asks itself has no returnDays: leave the key out"
    ),
    (
      [("answer: outcome", "answer: findings")], "questions", "findings answer questions: required was expected here"
    ),
    (
      [("{workingDays: 7, from: publishedOn}", "{acknowledge: 2}")], "acknowledgeDays",
      "the clock says by when to acknowledge: leave acknowledgeDays out"
    ),
    (
      [("{workingDays: 7, from: publishedOn}", "{dates: [08-31], roll: following}")], "supplement",
      "期限为确定的日期，不因补正变动：supplement 应为 none / a date does not move when something is supplied: supplement must be none"
    ),
    (
      [("{workingDays: 7, from: publishedOn}", "{acknowledge: 2}"), ("acknowledgeDays: 1\n", "")], "supplement",
      "acknowledging has met the clock, and what is supplied would start it again: supplement must be none"
    ),
    ([("returnDays: 2", "extension: true")], "", "a key stands twice: extension"),
  ]

  @Test(arguments: pairs) func rulesBetweenKeys(_ edits: [(String, String)], _ key: String, _ words: String) throws {
    var text = Self.sample
    for (old, new) in edits {
      #expect(text.contains(old))
      text = text.replacingOccurrences(of: old, with: new)
    }
    let (result, directory) = try check(["a.yaml": text, "b.yaml": Self.follow])
    #expect(result.status == 2, "\(result.stdout)")
    expectBoth(result.stderr, words)
    let lines = text.split(separator: "\n")
    let line = lines.firstIndex { !key.isEmpty && $0.hasPrefix(key) }.map { "\($0 + 1): " } ?? ""
    #expect(result.stderr.contains("\(directory)a.yaml:\(line)"), "\(result.stderr)")
  }

  @Test(arguments: least.map(\.key)) func missingKeys(_ key: String) throws {
    let text = Self.least.filter { $0.key != key }.map(\.text).joined()
    try expectFault(["b.yaml": text], "b.yaml:1", "缺少键 \(key) / the key \(key) is missing")
  }

  @Test func circlesOverSeveralFiles() throws {
    func definition(_ id: String, next: String) -> String {
      Self.follow.replacingOccurrences(of: "id: follow", with: "id: \(id)")
        .replacingOccurrences(of: "en: Done}", with: "en: Done, next: \(next)}")
    }
    try expectFault(
      [
        "a.yaml": definition("aa", next: "bb"), "b.yaml": definition("bb", next: "cc"),
        "c.yaml": definition("cc", next: "bb"),
      ], "c.yaml:6", "后续程序构成循环：bb → cc → bb / the follow-ups run in a circle: bb → cc → bb")
    // The same follow-up by two ways is no circle.
    let (result, _) = try check([
      "a.yaml": definition("aa", next: "cc"), "b.yaml": definition("bb", next: "cc"),
      "c.yaml": Self.follow.replacingOccurrences(of: "id: follow", with: "id: cc"),
    ])
    #expect(!result.stderr.contains("circle") && !result.stderr.contains("procedures/"), "\(result.stderr)")
  }

  /// What is reversed opens nothing, and what is sealed opens nothing that is not.
  @Test func sealedAndReversed() throws {
    let sealed = Self.sample.replacingOccurrences(of: "visibility: normal", with: "visibility: sealed")
      .replacingOccurrences(of: "copies: [supervisor]\n", with: "")
      .replacingOccurrences(of: "next: follow", with: "next: {procedure: follow, how: opens, data: {code: {value: a}}}")
    try expectFault(
      ["a.yaml": sealed, "b.yaml": Self.asking], "a.yaml:27",
      "sample is sealed, so what it opens must be sealed too; follow is not")
    let reversing = Self.follow.replacingOccurrences(
      of: "en: Done}", with: "en: Done, next: {procedure: follow, how: reverses, field: it}}")
    let (result, _) = try check([
      "b.yaml": reversing + "fields: [{name: it, zh: 所撤, en: It, type: request, required: true}]\n"
    ])
    #expect(result.stderr.contains("does not exist"), "\(result.stderr)")
  }

  @Test func doubledIDs() throws {
    try expectFault(
      ["a.yaml": Self.follow, "b.yaml": "# 后续\n" + Self.follow], "b.yaml:2",
      "编号 follow 已被另一文件使用 / the id follow is taken by another file")
  }

  /// Who mends one file learns of the others in the same run: what is wrong in each, then what is wrong between them.
  @Test func everyFileIsTold() throws {
    func definition(_ id: String, _ old: String = "", _ new: String = "") -> String {
      Self.follow.replacingOccurrences(of: "id: follow", with: "id: \(id)").replacingOccurrences(of: old, with: new)
    }
    let (own, directory) = try check([
      "a.yaml": definition("aa", "workingDays: 3", "workingDays: 0"), "b.yaml": definition("bb"),
      "c.yaml": definition("bb"), "d.yaml": definition("dd", "ladder", "rungs"),
    ])
    let places = own.stderr.split(separator: "\n").filter { $0.contains(directory) }
    #expect(own.status == 2 && places.count == 3, "\(own.stderr)")
    for place in ["a.yaml:4: ", "c.yaml:1: ", "d.yaml:9: "] { #expect(own.stderr.contains(directory + place)) }
    let (between, other) = try check([
      "a.yaml": definition("aa", "en: Done}", "en: Done, next: gone}"), "b.yaml": definition("bb"),
      "c.yaml": definition("cc", "en: Done}", "en: Done, next: lost}"),
    ])
    #expect(between.status == 2, "\(between.stdout)")
    for place in ["a.yaml:6: ", "c.yaml:6: "] { #expect(between.stderr.contains(other + place), "\(between.stderr)") }
  }

  /// What is there, and would count for nothing.
  @Test(arguments: ["b.yml", "b.YAML", "b.Yml"]) func aFileOfAnotherNameIsRefused(_ name: String) throws {
    let words = "请改名，否则不会读取 / a procedure's file is named .yaml; rename it"
    try expectFault(["a.yaml": Self.sample, name: Self.follow], name, words)
    try expectFault([name: Self.follow], name, words)
  }

  /// What an editor or another system left there, which is no text at all.
  @Test(arguments: [".b.yaml", "._a.yaml", ".b.yml"]) func hiddenFilesAreNotRead(_ name: String) throws {
    let (result, _) = try check(["a.yaml": Self.sample, "b.yaml": Self.follow, name: "id: [\n"])
    #expect(result.status == 2 && result.stderr.contains("does not exist"), "\(result.stdout)\(result.stderr)")
    let (alone, directory) = try check([name: Self.follow])
    #expect(alone.status == 2 && alone.stderr.contains("\(directory.dropLast()): "), "\(alone.stderr)")
    #expect(alone.stderr.contains("no procedure (*.yaml) was found here"), "\(alone.stderr)")
  }

  /// The sample itself is in order: what `check` then misses is the database.
  @Test func theSampleIsInOrder() throws {
    let (result, _) = try check(["a.yaml": Self.sample, "b.yaml": Self.follow])
    #expect(result.status == 2 && result.stderr.contains("does not exist"), "\(result.stdout)\(result.stderr)")
  }

  /// `init` brings every definition that comes with the program, and `check` names them.
  @Test func initCopiesEveryDefinition() throws {
    let shipped = Binary.packageRoot + "/config/procedures"
    let names = try FileManager.default.contentsOfDirectory(atPath: shipped).filter { $0.hasSuffix(".yaml") }.sorted()
    #expect(names.count == 20)
    let state = try StateDirectory(example: nil)
    let copied = try FileManager.default.contentsOfDirectory(atPath: state.path + "/procedures").sorted()
    #expect(copied == names)
    for name in names {
      let original = try Data(contentsOf: URL(fileURLWithPath: shipped + "/" + name))
      #expect(try Data(contentsOf: URL(fileURLWithPath: state.path + "/procedures/" + name)) == original, "\(name)")
    }
    let result = try state.run(["check"])
    #expect(result.status == 0, "\(result.stderr)")
    let line = result.stdout.split(separator: "\n").first { $0.contains("procedures") } ?? ""
    let listed = line.split(separator: " ").map { $0.filter { $0 != "," } }
    for name in names { #expect(listed.contains(String(name.dropLast(5))), "\(name) not in \(line)") }
  }
}
