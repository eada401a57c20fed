extension Procedure {
  /// A definition as `canonical` wrote it, whose file may have changed or gone since. Nil when it was damaged.
  package init?(stored bytes: [UInt8], version: Int) {
    guard let json = try? JSON.parse(bytes), let id = json["id"]?.stringValue, let title = json["title"]?.phrase,
      let clause = json["clause"]?.stringValue, let clock = json["clock"].flatMap(Clock.init(stored:)),
      let openers = json["openers"], let allows = json["allows"], let expects = json["expects"],
      let item = expects.word("item", Presence.self), let subject = expects.word("subject", Presence.self),
      let questions = expects.word("questions", Presence.self),
      let answerKind = json.word("answerKind", AnswerKind.self),
      let fields = json["fields"]?.all(Field.init(stored:)),
      let answerFields = json["answerFields"]?.all(Field.init(stored:)),
      let outcomes = json["outcomes"]?.all(Outcome.init(stored:)),
      let reasons = json["declineReasons"]?.all(Outcome.init(stored:)), let isSealed = json["sealed"]?.boolValue,
      let ladder = json["ladder"]?.all({ $0.stringValue.flatMap { Rung(name: $0) } }),
      let disposals = json["disposals"]?.all(DisposalNext.init(stored:)), let copies = json["copies"]?.roles,
      // Not written before there were clocks that bind the sender.
      let binds = json["clock"]?["binds"].map({ Bound(rawValue: $0.stringValue ?? "") }) ?? .receiver,
      let openerRoles = openers["roles"]?.roles, let answererRoles = json["answerers"]?["roles"]?.roles
    else { return nil }
    self.init(
      id: id, title: title, clause: clause,
      openers: openers["itself"] == .bool(true) ? .itself : .roles(openerRoles), answerers: answererRoles,
      clock: clock, acknowledgeDays: json["acknowledgeDays"]?.intValue, returnDays: json["returnDays"]?.intValue,
      supplement: allows["supplement"] == .bool(true), allowsExtension: allows["extension"] == .bool(true),
      allowsTransfer: allows["transfer"] == .bool(true), item: item, subject: subject, questions: questions,
      answerKind: answerKind, outcomes: outcomes, declineReasons: reasons, fields: fields, answerFields: answerFields,
      isSealed: isSealed, copies: copies, ladder: ladder, disposals: disposals,
      // What was kept before there were these is as it was then.
      handover: json["clock"]?.word("handover", Handover.self) ?? .restarts,
      answererRegion: json["answerers"]?.word("region", AnswererRegion.self) ?? .any, binds: binds,
      commits: json["commits"]?.boolValue, version: version)
  }
}

extension Procedure.Outcome {
  fileprivate init?(stored json: JSON) {
    guard let id = json["id"]?.stringValue, let title = json["title"]?.phrase,
      let next = [Procedure.Next](stored: json)
    else { return nil }
    self.init(
      id: id, title: title, requires: (json["requires"]?.arrayValue ?? []).compactMap(\.stringValue), next: next)
  }
}

extension Procedure.DisposalNext {
  fileprivate init?(stored json: JSON) {
    guard let measure = json.word("measure", Disposal.Measure.self), let next = Procedure.Next(stored: json)
    else { return nil }
    self.init(measure, next)
  }
}

extension Procedure.Clock {
  fileprivate init?(stored json: JSON) {
    let days = json["workingDays"]?.intValue
    let roll = json.word("roll", Procedure.Roll.self)
    func field(_ name: String) -> String? {
      json[name]?.stringValue.flatMap { $0.hasPrefix("data.") ? String($0.dropFirst(5)) : nil }
    }
    switch json["kind"]?.stringValue {
    case "working-days":
      guard let days else { return nil }
      self = .workingDays(days, from: field("from").map { .field($0) } ?? .receipt)
    case "acknowledge":
      guard let days else { return nil }
      self = .acknowledge(workingDays: days)
    case "fixed-dates":
      guard let dates = json["dates"]?.all({ $0.stringValue.flatMap { MonthDay($0) } }), let roll else { return nil }
      self = .fixedDates(dates, roll: roll, after: field("after"))
    case "stated-date":
      guard let field = field("date"), let roll, let days else { return nil }
      self = .statedDate(field: field, roll: roll, otherwise: days)
    default: return nil
    }
  }
}

extension Procedure.Field {
  fileprivate init?(stored json: JSON) {
    guard let name = json["name"]?.stringValue, let label = json["label"]?.phrase,
      let kind = Kind(stored: json), let required = json["required"]?.boolValue
    else { return nil }
    self.init(
      name: name, label: label, kind: kind, required: required, notBefore: json.word("notBefore", Procedure.Floor.self),
      recuses: json["recuses"]?.boolValue == true)
  }
}

extension Procedure.Field.Kind {
  fileprivate init?(stored json: JSON) {
    switch json["type"]?.stringValue {
    case "text":
      guard let least = json["minLength"]?.intValue, let most = json["maxLength"]?.intValue else { return nil }
      self = .text(minLength: least, maxLength: most, pattern: json["pattern"]?.stringValue)
    case "date":
      guard let era = json.word("when", Procedure.Era.self) else { return nil }
      self = .date(era)
    case "integer":
      guard let least = json["minimum"]?.intValue, let most = json["maximum"]?.intValue, least <= most
      else { return nil }
      self = .integer(least...most)
    case "boolean": self = .boolean
    case "choice":
      let choices = json["choices"]?.all { choice -> Procedure.Choice? in
        guard let id = choice["id"]?.stringValue, let title = choice["title"]?.phrase else { return nil }
        return Procedure.Choice(id: id, title: title)
      }
      guard let choices else { return nil }
      self = .choice(choices)
    case "organ": self = .organ
    case "subjectID": self = .subjectID
    case "request": self = .request
    default: return nil
    }
  }
}

extension JSON {
  fileprivate var phrase: Phrase? {
    guard let zh = self["zh"]?.stringValue, let en = self["en"]?.stringValue else { return nil }
    return Phrase(zh, en)
  }

  fileprivate func word<T: RawRepresentable<String>>(_ name: String, _: T.Type) -> T? {
    self[name]?.stringValue.flatMap { T(rawValue: $0) }
  }

  /// Every element, or nil when one cannot be read or this is no array.
  fileprivate func all<T>(_ read: (JSON) -> T?) -> [T]? {
    guard let values = arrayValue else { return nil }
    let found = values.compactMap(read)
    return found.count == values.count ? found : nil
  }

  fileprivate var roles: [Organ.Role]? { all { $0.stringValue.flatMap { Organ.Role(rawValue: $0) } } }
}
