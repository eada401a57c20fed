internal import BrokerDomain

/// The rules that hold between definitions: every follow-up names a procedure, none leads back to where it came from,
/// what the broker is to open by itself can be filled, and whoever asked may open it.
struct FollowUpCheck {
  private let all: [ProcedureFile.Loaded]
  private let byID: [String: ProcedureFile.Loaded]

  init(_ all: [ProcedureFile.Loaded]) {
    self.all = all
    byID = Dictionary(all.map { ($0.procedure.id, $0) }) { first, _ in first }
  }

  /// Where something follows, by the name under which its lines are kept.
  private struct Place {
    let loaded: ProcedureFile.Loaded
    let name: String
    let next: Procedure.Next

    func fault(_ zh: String, _ en: String, field: String? = nil) -> ConfigurationFault {
      let line = field.flatMap { loaded.lines.fills["\(name).\($0)"] } ?? loaded.lines.next[name] ?? 1
      return ConfigurationFault(place: "\(loaded.file):\(line)", zh, en)
    }
  }

  private func places(_ loaded: ProcedureFile.Loaded) -> [Place] {
    loaded.procedure.outcomes.flatMap { outcome in
      outcome.next.enumerated().map { Place(loaded: loaded, name: FollowUpLines.name(outcome.id, $0), next: $1) }
    }
      + loaded.procedure.disposals.map {
        Place(loaded: loaded, name: "disposals.\($0.measure.rawValue)", next: $0.next)
      }
  }

  /// - Throws: the first mistake of every file; a circle alone, because it has no file of its own.
  func run() throws(ConfigurationFault) {
    try each { loaded throws(ConfigurationFault) in
      for place in places(loaded) where byID[place.next.procedure] == nil {
        let known = byID.keys.sorted().joined(separator: ", ")
        throw place.fault(
          "\(place.name) 的 next 所指程序 \(place.next.procedure) 不存在",
          "next of the outcome \(place.name) names no procedure: \(place.next.procedure); known: \(known)")
      }
    }
    var done: Set<String> = []
    for loaded in all { try visit(loaded.procedure.id, path: [], &done) }
    try each { loaded throws(ConfigurationFault) in
      for place in places(loaded) {
        guard let target = byID[place.next.procedure]?.procedure else { continue }
        try check(place, target)
      }
      try PublicationCheck(loaded: loaded).run()
    }
  }

  private func each(
    _ check: (ProcedureFile.Loaded) throws(ConfigurationFault) -> Void
  ) throws(ConfigurationFault) {
    var faults: [ConfigurationFault] = []
    for loaded in all {
      do throws(ConfigurationFault) { try check(loaded) } catch { faults.append(error) }
    }
    if let fault = ConfigurationFault(faults) { throw fault }
  }

  /// Each opens the next one, so a circle would never end. What is reversed opens nothing.
  private func visit(_ id: String, path: [String], _ done: inout Set<String>) throws(ConfigurationFault) {
    guard !done.contains(id), let loaded = byID[id] else { return }
    for place in places(loaded) where place.next.how != .reverses {
      if let start = (path + [id]).firstIndex(of: place.next.procedure) {
        let circle = (path + [id])[start...] + [place.next.procedure]
        let way = circle.joined(separator: " → ")
        throw place.fault("后续程序构成循环：\(way)", "the follow-ups run in a circle: \(way)")
      }
      try visit(place.next.procedure, path: path + [id], &done)
    }
    done.insert(id)
  }

  private func check(_ place: Place, _ target: Procedure) throws(ConfigurationFault) {
    let own = place.loaded.procedure
    switch place.next.how {
    case .offers: break
    case .opens:
      if own.isSealed, !target.isSealed {
        throw place.fault(
          "\(own.id) 为封存程序，由其自动提出的也须封存，而 \(target.id) 未封存",
          "\(own.id) is sealed, so what it opens must be sealed too; \(target.id) is not")
      }
      // It is opened by the organ that asked, which may be any of them.
      guard Self.covers(target.openers, own.openers) else {
        throw place.fault(
          "可提出 \(own.id) 的机关并非都可提出 \(target.id)：\(target.id) 的 openers 应为 any，或者包含 \(own.id) 的 openers",
          "\(target.id) may not be opened by all organs that may open \(own.id): openers of \(target.id) must be any"
            + " or contain those of \(own.id)")
      }
      for fill in place.next.fills {
        for source in fill.sources { try check(source, of: fill.field, place, own, target) }
      }
      try checkRequired(place, own, target)
    case .reverses:
      let name = place.next.field ?? ""
      guard let field = own.fields.first(where: { $0.name == name }), field.kind == .request else {
        throw place.fault(
          "field 应为 request 类型的字段名，\(name) 不是", "field is the name of a field of type request; \(name) is none")
      }
      guard own.subject == .required, target.subject != .none else {
        throw place.fault(
          "\(own.id) 和 \(target.id) 均须有当事人，否则无从确定撤销的是谁的请求",
          "\(own.id) and \(target.id) must be about a subject, or it cannot be told whose is reversed")
      }
    }
  }

  /// Any organ may ask itself.
  private static func covers(_ target: Procedure.Openers, _ source: Procedure.Openers) -> Bool {
    guard case .roles(let allowed) = target, !allowed.isEmpty else { return true }
    guard case .roles(let asking) = source, !asking.isEmpty else { return false }
    return asking.allSatisfy { allowed.contains($0) }
  }

  /// What the follow-up requires and what it gets.
  private func checkRequired(_ place: Place, _ own: Procedure, _ target: Procedure) throws(ConfigurationFault) {
    for field in target.fields where field.required && !place.next.fills.contains(where: { $0.field == field.name }) {
      throw place.fault(
        "\(target.id) 的字段 \(field.name) 必填，而 data 未写明其来源",
        "\(target.id) requires \(field.name), and data does not say where it comes from")
    }
    for (part, wanted, given) in [
      (Phrase("事项", "an item"), target.item, own.item), (Phrase("当事人", "a subject"), target.subject, own.subject),
      (Phrase("问题", "questions"), target.questions, Procedure.Presence.none),
    ] where wanted == .required && given == .none {
      throw place.fault(
        "\(target.id) 须有\(part.zh)，而 \(own.id) 无从提供",
        "\(target.id) requires \(part.en), which \(own.id) has not to give")
    }
  }

  private func check(
    _ source: Procedure.Next.Source, of name: String, _ place: Place, _ own: Procedure, _ target: Procedure
  ) throws(ConfigurationFault) {
    guard let field = target.fields.first(where: { $0.name == name }) else {
      let known = target.fields.map(\.name).joined(separator: ", ")
      throw place.fault(
        "\(target.id) 没有字段 \(name)", "\(target.id) has no field \(name); known: \(known)", field: name)
    }
    func known(_ fields: [Procedure.Field], _ name: String, _ whose: Phrase) throws(ConfigurationFault) {
      guard let from = fields.first(where: { $0.name == name }) else {
        throw place.fault(
          "字段 \(field.name) 取自 \(name)，而\(whose.zh)没有这一字段",
          "\(field.name) is filled from \(name), which \(whose.en) has not", field: field.name)
      }
      guard from.kind.name == field.kind.name else {
        throw place.fault(
          "字段 \(field.name) 的类型为 \(field.kind.name)，不能取自 \(from.kind.name) 类型的 \(name)",
          "\(field.name) is a \(field.kind.name) and cannot be filled from the \(from.kind.name) \(name)",
          field: field.name)
      }
    }
    switch source {
    case .id:
      guard field.kind == .request else {
        throw place.fault(
          "字段 \(field.name) 的类型不是 request，不能取自 id", "\(field.name) is no request and cannot be filled from id",
          field: field.name)
      }
    case .text:
      guard case .text = field.kind else {
        throw place.fault(
          "字段 \(field.name) 的类型不是 text，不能取自 text", "\(field.name) is no text and cannot be filled from text",
          field: field.name)
      }
    case .request(let name): try known(own.fields, name, Phrase(" \(own.id) 的 data ", "data of \(own.id)"))
    case .answer(let name): try known(own.answerFields, name, Phrase("其答复", "its answer"))
    case .disposal(let name):
      guard place.name.hasPrefix("disposals."), name == field.name else {
        throw place.fault(
          "此处应为 disposal.\(field.name)，且只能写在 disposals 中",
          "disposal.\(field.name), at a disposal, was expected here", field: field.name)
      }
    case .constant(let value):
      let one = Procedure.Field(name: field.name, label: field.label, kind: field.kind, required: true)
      let faults = Procedure.faults(of: .object([.init(field.name, .string(value))]), fields: [one], at: "")
      if let wrong = faults.first {
        throw place.fault(
          "\(value) 不能作为字段 \(field.name) 的取值：\(wrong.detail.zh)", "\(value) is no \(field.name): \(wrong.detail.en)",
          field: field.name)
      }
    }
  }
}
