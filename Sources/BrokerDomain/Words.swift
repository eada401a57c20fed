/// States and verbs as departments call them, each with the word of the API.
extension Verb {
  package var zh: String { "\(name)（\(rawValue)）" }

  private var name: String {
    switch self {
    case .acknowledge: "签收"
    case .answer: "复函"
    case .decline: "书面告知不能协助"
    case .return: "退回"
    case .ask: "要求补正"
    case .supply: "补正"
    case .extend: "延期"
    case .transfer: "移送"
    case .withdraw: "撤回"
    case .remind: "催办"
    case .dispose: "处理"
    case .close: "归档"
    }
  }
}

extension StateName {
  package var zh: String { "\(title)（\(rawValue)）" }

  /// Without the word of the API: for who has nothing to do with it.
  package var title: String {
    switch self {
    case .submitted: "已提交"
    case .acknowledged: "已签收"
    case .awaitingSupplement: "待补正"
    case .returned: "已退回"
    case .answered: "已复函"
    case .declined: "已告知不能协助"
    case .withdrawn: "已撤回"
    case .closed: "已归档"
    }
  }
}
