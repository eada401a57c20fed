/// Why a verb that fits the state is refused all the same.
package enum Obstacle: Sendable, Equatable {
  /// The procedure does not know it.
  case procedure(Verb)
  /// It was used before, and once is all there is.
  case once(Verb)
  /// It had to come before this moment.
  case deadlinePassed(Verb, Instant)
  /// It had to be returned before this moment, and is to be answered now, or declined where the procedure knows that.
  case returnPassed(Instant, mayDecline: Bool)
  /// It goes to no further organ. A transfer back to one of these, who have had it, has a superior rule.
  case transferLimit(back: [OrganCode])
  /// A superior has been asked to rule and has not done so.
  case referred
  /// A superior has ruled that this organ is competent.
  case ruling
  /// The directory has no common superior of the organs, and no supervisor of both.
  case noSuperior
  /// No finding is contradicted.
  case notContradicted
  /// It lies returned and its clock stands still, so there is nobody to be reminded.
  case clockStopped
  /// The organ has reminded of it as often as it may.
  case reminderLimit
  /// The organ that has it is none of the caller's to supervise, and has not returned it.
  case notSupervised
  /// The report that it would undo was undone before: by which request and when is nil for who may not read that.
  case reversed(Reversal?)

  /// The stable word of the API.
  package var code: String {
    switch self {
    case .procedure: "not-allowed"
    case .once(.ask): "already-asked"
    case .once: "already-extended"
    case .deadlinePassed: "deadline-passed"
    case .returnPassed: "deadline-passed"
    case .transferLimit: "transfer-limit"
    case .referred: "referred"
    case .ruling: "ruled"
    case .noSuperior: "no-superior"
    case .notContradicted: "not-contradicted"
    case .clockStopped: "clock-stopped"
    case .reminderLimit: "reminder-limit"
    case .notSupervised: "not-supervised"
    case .reversed: "already-reversed"
    }
  }

  private static func list(_ organs: [OrganCode], _ separator: String) -> String {
    organs.map(\.description).joined(separator: separator)
  }

  package var detail: Phrase {
    switch self {
    case .procedure(let verb):
      Phrase("本事项不适用“\(verb.zh)”", "this procedure does not know \"\(verb.rawValue)\"")
    case .once(.ask):
      Phrase("补正已要求过一次，应当一次性告知", "particulars have been asked for once, and must be asked for all together")
    case .once: Phrase("已延期过一次，不得再次延期", "it has been extended once, and no more is possible")
    case .returnPassed(let at, mayDecline: true):
      Phrase(
        "退回期限 \(at.rfc3339) 已过，请办理或者书面说明不能协助的理由",
        "it could be returned until \(at.rfc3339); answer it, or decline with reasons")
    case .returnPassed(let at, mayDecline: false):
      Phrase("退回期限 \(at.rfc3339) 已过，请按期办理", "it could be returned until \(at.rfc3339); answer it")
    case .deadlinePassed(let verb, let at):
      Phrase("期限 \(at.rfc3339) 已过，不能再“\(verb.zh)”", "it was due at \(at.rfc3339); too late to \(verb.rawValue)")
    case .transferLimit(let back) where back.isEmpty:
      Phrase(
        "已移送\(AssistanceRequest.maximumTransfers)次，不得再次移送，也没有可以报请裁定的共同上一级行政机关或者监督机关；请求机关可以撤回",
        "it has been transferred \(AssistanceRequest.maximumTransfers) times, and there is neither a common superior nor a"
          + " supervisor who could rule; the organ that asked may withdraw it")
    case .transferLimit(let back):
      Phrase(
        "已移送\(AssistanceRequest.maximumTransfers)次，不得再移送给新的机关；请移送给办理过的机关（to 填 \(Self.list(back, "、"))\(back.count > 1 ? " 之一" : "")），"
          + "即报请共同上一级行政机关（没有的，报请监督双方的司法局）裁定由谁办理，请求机关也可以撤回",
        "it has been transferred \(AssistanceRequest.maximumTransfers) times and goes to no further organ; transfer it to one"
          + " that has had it (to: \(Self.list(back, " or "))), which asks the common superior, or where there is none the"
          + " supervisor of both, to rule; or the organ that asked withdraws it")
    case .referred: Phrase("已报请裁定由哪个机关办理，请等待裁定", "a ruling has been asked for; wait for it")
    case .ruling:
      Phrase(
        "已裁定由哪个机关办理，不得再退回、移送或者以不属于本机关职权为由告知不能协助",
        "it has been ruled which organ handles it; it cannot be returned, transferred or declined as not competent")
    case .noSuperior:
      Phrase(
        "机关目录中没有双方的共同上级机关，也没有监督双方的司法局，无法报请裁定",
        "the directory has neither a common superior of the two nor a supervisor of both who could rule")
    case .notContradicted:
      Phrase("答复中没有“不属实”的结论，无需处理", "nothing in the answer is contradicted; there is nothing to dispose of")
    case .clockStopped:
      Phrase(
        "已退回请求机关且期限停止计算，没有可以催办的机关；期限照常计算的（如投诉举报）退回后才可催办请求机关",
        "it lies returned and its clock stands still; only where the clock runs on (a complaint) is the organ that asked reminded"
      )
    case .reminderLimit:
      Phrase(
        "本机关已催办\(AssistanceRequest.maximumReminders)次，不得再次催办；请求机关可以请监督机关督办，监督机关可以发督办通知",
        "your organ has reminded of it \(AssistanceRequest.maximumReminders) times, and no more is possible; the organ that asked"
          + " may turn to the supervisor, and a supervisor issue a supervision notice"
      )
    case .notSupervised:
      Phrase(
        "正在办理的机关不由本机关监督：退回之前，只有监督该机关的司法局可以移送；可以催办",
        "the organ that has it is not yours to supervise: until it is returned only a supervisor of that organ may transfer it;"
          + " you may remind it")
    case .reversed(let reversal?):
      Phrase(
        "所列信用信息推送已于 \(reversal.at.rfc3339) 由请求 \(reversal.by) 撤销",
        "the report was reversed by request \(reversal.by) at \(reversal.at.rfc3339)")
    case .reversed(nil): Phrase("所列信用信息推送已经撤销，无需再次提出", "the report has been reversed; there is nothing to undo")
    }
  }
}
