internal import BrokerDomain

/// The rules between a publication of the lists and the procedures that it runs on, by their fixed names: a place may
/// write these anew, and would otherwise learn at its first publication that it cannot be made.
struct PublicationCheck {
  let loaded: ProcedureFile.Loaded
  private var own: Procedure { loaded.procedure }

  func run() throws(ConfigurationFault) {
    switch own.id {
    case CatalogueProposal.procedure: try checkAdjustment()
    case CatalogueProposal.filing: try checkFilled(["publishedOn", "list", "adjustment"])
    // Forms are owed for what is new in the list, by whichever adjustment it came.
    case CatalogueProposal.forms: try checkFilled(["publishedOn", "list"])
    default: break
    }
  }

  private func fault(_ line: Int?, _ zh: String, _ en: String) -> ConfigurationFault {
    ConfigurationFault(place: "\(loaded.file):\(line ?? 1)", zh, en)
  }

  /// Only what was approved is published, and `change` says what becomes of the list.
  private func checkAdjustment() throws(ConfigurationFault) {
    let approval = CatalogueProposal.approval
    guard own.outcomes.contains(where: { $0.id == approval }) else {
      throw fault(
        loaded.lines.outcomes, "\(own.id) 没有结果 \(approval)，而只有以此答复的才能公布",
        "\(own.id) has no outcome \(approval), and only what is answered so can be published")
    }
    let wanted = CatalogueProposal.Change.allCases.map(\.rawValue)
    let field = own.fields.first { $0.name == CatalogueProposal.changeField }
    guard let field, case .choice(let choices) = field.kind else {
      throw fault(
        field.flatMap { loaded.lines.fields[$0.name] },
        "\(own.id) 没有 choice 类型的字段 \(CatalogueProposal.changeField)，其选项应为 \(wanted.joined(separator: "、"))",
        "\(own.id) has no field \(CatalogueProposal.changeField) of type choice with \(wanted.joined(separator: ", "))")
    }
    let missing = wanted.filter { id in !choices.contains { $0.id == id } }
    guard missing.isEmpty else {
      throw fault(
        loaded.lines.fields[field.name],
        "字段 \(field.name) 缺少选项 \(missing.joined(separator: "、"))，公布清单所用选项为 \(wanted.joined(separator: "、"))",
        "\(field.name) has no choice \(missing.joined(separator: ", ")); a publication knows \(wanted.joined(separator: ", "))"
      )
    }
  }

  private func checkFilled(_ filled: [String]) throws(ConfigurationFault) {
    for field in own.fields where field.required && !filled.contains(field.name) {
      throw fault(
        loaded.lines.fields[field.name],
        "公布清单时提出 \(own.id) 并填写 \(filled.joined(separator: "、"))，字段 \(field.name) 届时为空，不得为必填",
        "a publication opens \(own.id) and fills \(filled.joined(separator: ", ")); \(field.name) would stay empty and must"
          + " not be required")
    }
  }
}
