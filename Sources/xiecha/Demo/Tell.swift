internal import BrokerDomain

/// How a story is told on a terminal: what happens in Chinese, then in English, then what was seen.
enum Tell {
  static func title(_ story: Story) {
    print("\(story.title.zh)\n\(story.title.en)\n")
    Say.fact("依据 clause", story.clause)
    Say.fact("证明 proves", story.proves.zh)
    Say.fact("", story.proves.en)
    Say.fact("演练 rehearsal", "\(story.startsAt.rfc3339)（\(story.example)）")
    Say.fact("人物 cast", story.cast.map(\.alias).joined(separator: "、"))
    print("")
  }

  static func done(_ number: Int, _ step: Story.Step, _ reply: JSON) {
    guard case .advance(let instant) = step.deed else {
      said("✓", number, step)
      return seen(step.see, reply)
    }
    said("»", number, step)
    print("         时钟拨到 the clock is moved to \(instant.rfc3339)")
  }

  private static func seen(_ see: Sight, _ reply: JSON) {
    let seen = words(of: see, reply)
    if !seen.isEmpty { print("         \(seen)") }
  }

  static func failed(_ number: Int, _ step: Story.Step) { said("✗", number, step) }

  static func difference(_ difference: Difference, _ file: String) {
    print(
      """
               \(file):\(difference.line): \(difference.path)
               应为 expected  \(difference.expected)
               实为 came      \(difference.came)
      """)
  }

  static func end(_ story: Story) { print("\n案例如期走完 / the story came as told: \(story.id)") }

  private static func said(_ mark: String, _ number: Int, _ step: Story.Step) {
    print("  \(mark) \(number < 10 ? " " : "")\(number)  \(step.said.zh)\n         \(step.said.en)")
  }

  /// What was told to be seen, and was.
  private static func words(of see: Sight, _ reply: JSON) -> String {
    if let problem = see.problem {
      return "\(see.status ?? 0) \(problem)：\(reply["detail"]?.stringValue ?? "")"
    }
    var parts: [String] = []
    for (name, wanted) in see.members { add(name, wanted, to: &parts) }
    if let events = see.events { parts.append(words(events)) }
    if !see.once.isEmpty { parts.append("各一次 once " + see.once.map(\.name).joined(separator: " → ")) }
    if !see.counted.isEmpty { parts.append("计入 counted " + see.counted.map(\.description).joined(separator: "、")) }
    if !see.withdrawn.isEmpty { parts.append("一并撤回 withdrawn " + see.withdrawn.joined(separator: "、")) }
    if !see.never.isEmpty { parts.append("无 never " + see.never.joined(separator: "、")) }
    return parts.joined(separator: " · ")
  }

  /// One part for each value, under its name.
  private static func add(_ path: String, _ wanted: Wanted, to parts: inout [String]) {
    switch wanted {
    case .members(let members, _): for (name, wanted) in members { add(path + "." + name, wanted, to: &parts) }
    case .list: parts.append("\(names[path] ?? path)：\(words(wanted))")
    case .value(let value, _):
      let text = value.isNull ? "无 none" : value.plain.replacing("${", with: "“").replacing("}", with: "”")
      parts.append("\(names[path] ?? path) \(states[text].map { "\($0) " } ?? "")\(text)")
    }
  }

  private static func words(_ list: Wanted) -> String {
    guard case .list(let entries, _) = list else { return list.text }
    return entries.map { entry in
      guard case .members(let members, _) = entry, members.first?.name == "type" else { return entry.text }
      return members.map { $0.name == "type" ? $0.wanted.text : "(\($0.wanted.text))" }.joined()
    }.joined(separator: " → ")
  }

  private static let names = [
    "state": "状态", "due.date": "届满日", "due.status": "时限", "due.workingDays": "工作日", "due.overdue": "逾期",
    "due.provisional": "暂定", "due.at": "截至", "to": "办理机关", "from": "请求机关", "item.proof": "证明事项", "answer.outcome": "结果",
    "answer.late": "逾期", "subject.idNumber": "证件号码", "subject.name": "姓名", "date": "届满日", "countedFrom": "起算",
    "ledger": "期限变动", "spans": "期限的账", "item.matter": "行政事项", "explanation": "算式", "answer.findings": "答复",
    "transfers": "移送",
    "disposal.measure": "处理", "withdrawal.reason": "撤回理由", "referral.to": "报请裁定", "acknowledgement.officer": "签收人",
  ]

  private static let states = [
    "submitted": "待签收", "acknowledged": "已签收", "awaiting-supplement": "待补正", "returned": "已退回", "answered": "已答复",
    "declined": "不能协助", "withdrawn": "已撤回", "closed": "已归档", "running": "进行中", "paused": "停止", "met": "按期",
    "missed": "逾期",
    "true": "是", "false": "否",
  ]
}
