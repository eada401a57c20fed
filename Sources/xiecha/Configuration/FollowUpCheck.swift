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

    func fault(_ what: String, field: String? = nil) -> ConfigurationFault {
      let line = field.flatMap { loaded.lines.fills["\(name).\($0)"] } ?? loaded.lines.next[name] ?? 1
      return ConfigurationFault(place: "\(loaded.file):\(line)", what: what)
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
        throw place.fault("the follow-ups run in a circle: \(circle.joined(separator: " → "))")
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
        throw place.fault("\(own.id) is sealed, so what it opens must be sealed too; \(target.id) is not")
      }
      // It is opened by the organ that asked, which may be any of them.
      guard Self.covers(target.openers, own.openers) else {
        throw place.fault(
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
        throw place.fault("field is the name of a field of type request; \(name) is none")
      }
      guard own.subject == .required, target.subject != .none else {
        throw place.fault("\(own.id) and \(target.id) must be about a subject, or it cannot be told whose is reversed")
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
      throw place.fault("\(target.id) requires \(field.name), and data does not say where it comes from")
    }
    for (part, wanted, given) in [
      ("an item", target.item, own.item), ("a subject", target.subject, own.subject),
      ("questions", target.questions, Procedure.Presence.none),
    ] where wanted == .required && given == .none {
      throw place.fault("\(target.id) requires \(part), which \(own.id) has not to give")
    }
  }

  private func check(
    _ source: Procedure.Next.Source, of name: String, _ place: Place, _ own: Procedure, _ target: Procedure
  ) throws(ConfigurationFault) {
    guard let field = target.fields.first(where: { $0.name == name }) else {
      let known = target.fields.map(\.name).joined(separator: ", ")
      throw place.fault("\(target.id) has no field \(name); known: \(known)", field: name)
    }
    func known(_ fields: [Procedure.Field], _ name: String, _ whose: String) throws(ConfigurationFault) {
      guard let from = fields.first(where: { $0.name == name }) else {
        throw place.fault("\(field.name) is filled from \(name), which \(whose) has not", field: field.name)
      }
      guard from.kind.name == field.kind.name else {
        throw place.fault(
          "\(field.name) is a \(field.kind.name) and cannot be filled from the \(from.kind.name) \(name)",
          field: field.name)
      }
    }
    switch source {
    case .id:
      guard field.kind == .request else {
        throw place.fault("\(field.name) is no request and cannot be filled from id", field: field.name)
      }
    case .text:
      guard case .text = field.kind else {
        throw place.fault("\(field.name) is no text and cannot be filled from text", field: field.name)
      }
    case .request(let name): try known(own.fields, name, "data of \(own.id)")
    case .answer(let name): try known(own.answerFields, name, "its answer")
    case .disposal(let name):
      guard place.name.hasPrefix("disposals."), name == field.name else {
        throw place.fault("disposal.\(field.name), at a disposal, was expected here", field: field.name)
      }
    case .constant(let value):
      let one = Procedure.Field(name: field.name, label: field.label, kind: field.kind, required: true)
      let faults = Procedure.faults(of: .object([.init(field.name, .string(value))]), fields: [one], at: "")
      if let wrong = faults.first {
        throw place.fault("\(value) is no \(field.name): \(wrong.detail.en)", field: field.name)
      }
    }
  }
}
