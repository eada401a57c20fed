extension Procedure {
  /// A value of a closed list.
  package struct Choice: Sendable, Equatable {
    package let id: String
    package let title: Phrase
    package init(id: String, title: Phrase) {
      self.id = id
      self.title = title
    }
  }

  /// Where a date may lie, seen from the day on which it is written down; that day belongs to both sides.
  package enum Era: String, Sendable, CaseIterable { case any, past, future }

  /// The day before which a date cannot lie.
  package enum Floor: String, Sendable, CaseIterable {
    /// On which the request was received.
    case receipt
    /// From which the clock counts: of receipt, or what a field of the request names (`Start`).
    case clock

    package var words: Phrase {
      switch self {
      case .receipt: Phrase("收到之日", "the day of receipt")
      case .clock: Phrase("起算之日", "the day from which the clock counts")
      }
    }
  }

  /// One member of the `data` of a request, or of an answer.
  package struct Field: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
      /// Lengths in Unicode code points. The pattern is matched against the whole text.
      case text(minLength: Int, maxLength: Int, pattern: String?)
      /// `YYYY-MM-DD`, of the years 1971 to 2100.
      case date(Era)
      case integer(ClosedRange<Int>)
      case boolean
      case choice([Choice])
      /// The code of an organ.
      case organ
      /// A resident id or a unified social credit code.
      case subjectID
      /// The id of a request of this broker.
      case request

      package var name: String {
        switch self {
        case .text: "text"
        case .date: "date"
        case .integer: "integer"
        case .boolean: "boolean"
        case .choice: "choice"
        case .organ: "organ"
        case .subjectID: "subjectID"
        case .request: "request"
        }
      }

      package static let names = ["text", "date", "integer", "boolean", "choice", "organ", "subjectID", "request"]
    }

    package let name: String
    package let label: Phrase
    package let kind: Kind
    package let required: Bool
    /// Of a date of an answer.
    package let notBefore: Floor?
    /// Of an organ: the request is against it, and it has no part in it but that of a party.
    package let recuses: Bool

    /// Longer texts belong into `text` of the answer or `reason` of the request.
    package static let maximumLength = 4_000
    /// A date outside of these is a slip, and days are counted one by one.
    package static let years = 1971...2100

    package init(
      name: String, label: Phrase, kind: Kind, required: Bool, notBefore: Floor? = nil, recuses: Bool = false
    ) {
      self.name = name
      self.label = label
      self.kind = kind
      self.required = required
      self.notBefore = notBefore
      self.recuses = recuses
    }

    /// The same field, required or not.
    package func required(_ required: Bool) -> Field {
      Field(name: name, label: label, kind: kind, required: required, notBefore: notBefore, recuses: recuses)
    }

    /// The pattern as a regular expression; throws what is wrong with it. Compiled where it is used rather than kept,
    /// because a `Regex` is neither sendable nor equatable.
    package static func expression(_ pattern: String) throws -> Regex<AnyRegexOutput> {
      try Regex(pattern).matchingSemantics(.unicodeScalar)
    }
  }

  /// What is wrong with the `data` of a request.
  package func faults(of data: JSON, at pointer: String = "/data", today: CalendarDate? = nil) -> [Fault] {
    Self.faults(of: data, fields: fields, at: pointer, today: today)
  }

  /// What is wrong with fields that are supplied later: those that are left out stay as they were.
  package func faults(supplied data: JSON, today: CalendarDate? = nil) -> [Fault] {
    let faults = Self.faults(of: data, fields: fields.map { $0.required(false) }, at: "/data", today: today)
    return faults + (today.map { remoteFaults(data, today: $0) } ?? [])
  }

  /// What is wrong with an answer by outcome: the outcome, the fields of its `data`, and what this outcome requires.
  /// - Parameters:
  ///   - id: nil when it could not be read; likewise `data`.
  ///   - floors: the days before which none of its dates lies that names them.
  package func faults(
    outcome id: String?, data: JSON?, today: CalendarDate? = nil, floors: [Floor: CalendarDate] = [:]
  ) -> [Fault] {
    guard let outcome = id.flatMap({ outcome($0) }) else {
      let known = outcomes.map(\.id).joined(separator: ", ")
      let words =
        outcomes.count == 1
        ? Phrase("结果应为 \(known)", "the outcome is \(known)")
        : Phrase("结果应为 \(known) 之一", "the outcome is one of \(known)")
      let wrong = id == nil ? [] : [Fault("/outcome", words.zh, words.en)]
      return wrong
        + (data.map { Self.faults(of: $0, fields: answerFields, at: "/data", today: today, floors: floors) } ?? [])
    }
    guard let data else { return [] }
    let fields = answerFields.map { $0.required($0.required || outcome.requires.contains($0.name)) }
    return Self.faults(of: data, fields: fields, at: "/data", today: today, floors: floors)
  }

  /// Every fault at once: members that no field names, required ones that are missing, values that do not fit. A
  /// null says the same as leaving the member out. No fault repeats a value: it may be personal.
  /// - Parameters:
  ///   - today: the day on which the data is written down; without it past and future are not told apart.
  ///   - floors: the days before which a date that names them must not lie; what is not among them is not checked.
  package static func faults(
    of data: JSON, fields: [Field], at pointer: String, today: CalendarDate? = nil,
    floors: [Floor: CalendarDate] = [:]
  ) -> [Fault] {
    guard case .object(let members) = data else {
      return [Fault(pointer, "应为对象，实为\(data.kind.zh)", "must be an object, not \(data.kind.en)")]
    }
    var faults: [Fault] = []
    for member in members where !fields.contains(where: { $0.name == member.name }) {
      if faults.count >= Procedure.mostFaults { break }
      let known = fields.map(\.name).joined(separator: ", ")
      faults.append(
        Fault(
          pointer + "/" + member.name.replacing("~", with: "~0").replacing("/", with: "~1"),
          fields.isEmpty ? "没有这一成员；本事项没有成员" : "没有这一成员；可用：\(known)",
          fields.isEmpty ? "no such member; the procedure has none" : "no such member; known: \(known)"))
    }
    for field in fields {
      let place = pointer + "/" + field.name
      guard let value = data[field.name], !value.isNull else {
        if field.required {
          faults.append(Fault(place, "必填（\(field.label.zh)）", "is required (\(field.label.en))"))
        }
        continue
      }
      let wrong = field.wrong(value, today: today) ?? field.tooEarly(value, floors)
      if let wrong { faults.append(Fault(place, wrong.zh, wrong.en)) }
    }
    return faults
  }
}

extension Procedure.Field {
  fileprivate func tooEarly(_ value: JSON, _ floors: [Procedure.Floor: CalendarDate]) -> Phrase? {
    guard let notBefore, let floor = floors[notBefore], let date = value.stringValue.flatMap({ CalendarDate($0) }),
      date < floor
    else { return nil }
    return Phrase("不能早于\(notBefore.words.zh) \(floor)", "must not be before \(notBefore.words.en), \(floor)")
  }

  /// What is wrong with a value, or nil.
  fileprivate func wrong(_ value: JSON, today: CalendarDate?) -> Phrase? {
    switch kind {
    case .boolean:
      return value.boolValue == nil ? Phrase("应为 true 或 false", "must be true or false") : nil
    case .integer(let range):
      guard let number = value.intValue, range.contains(number) else {
        return Phrase(
          "应为\(range.lowerBound)至\(range.upperBound)的整数",
          "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
      }
      return nil
    case .text, .date, .choice, .organ, .subjectID, .request:
      guard let text = value.stringValue else {
        return Phrase("应为字符串，实为\(value.kind.zh)", "must be a string, not \(value.kind.en)")
      }
      return wrong(text, today: today)
    }
  }

  private func wrong(_ text: String, today: CalendarDate?) -> Phrase? {
    switch kind {
    case .text(let least, let most, let pattern): return Self.wrong(text, least, most, pattern)
    case .date(let era): return Self.wrong(text, era, today)
    case .choice(let choices):
      if choices.contains(where: { $0.id == text }) { return nil }
      let zh = choices.map { "\($0.id)（\($0.title.zh)）" }.joined(separator: "、")
      return Phrase("应为 \(zh) 之一", "must be one of \(choices.map(\.id).joined(separator: ", "))")
    case .organ:
      do throws(Phrase) { _ = try OrganCode(text) } catch { return error }
    case .subjectID: return Self.wrongSubject(text, today)
    case .request:
      if EntityID(text) == nil { return Phrase("应为请求的编号（UUIDv7）", "must be the id of a request (UUIDv7)") }
    case .boolean, .integer: break
    }
    return nil
  }

  private static func wrong(_ text: String, _ least: Int, _ most: Int, _ pattern: String?) -> Phrase? {
    if least > 0, text.trimmingSpaces().isEmpty { return Phrase("不能为空白", "must not be blank") }
    // Code points, as JSON Schema counts them.
    let length = text.unicodeScalars.count
    guard length <= most else {
      return Phrase("最多\(most)个字符，实为\(length)", "has \(length) characters, at most \(most)")
    }
    guard length >= least else {
      return Phrase("至少\(least)个字符，实为\(length)", "has \(length) characters, at least \(least)")
    }
    if let hidden = text.hiddenCharacter { return hidden }
    if let pattern, (try? expression(pattern).wholeMatch(in: text)) == nil {
      return words(of: pattern)
    }
    return nil
  }

  /// The usual patterns in words: a clerk reads no regular expression.
  private static func words(of pattern: String) -> Phrase {
    switch pattern {
    case #"\S+"#, #"\S*"#: Phrase("不能含有空白", "must hold no blanks")
    case HalfYear.pattern:
      Phrase("应为年份加 -H1（上半年）或 -H2（下半年），如 2026-H1", "must be a year and -H1 or -H2, as 2026-H1")
    case "[0-9]+", #"\d+"#: Phrase("应全为数字", "must be digits")
    default: Phrase("不符合格式 \(pattern)", "does not match \(pattern)")
    }
  }

  static func wrong(_ text: String, _ era: Procedure.Era, _ today: CalendarDate?) -> Phrase? {
    guard let date = CalendarDate(text), years.contains(date.year) else {
      return Phrase(
        "应为 YYYY-MM-DD 的有效日期（\(years.lowerBound)至\(years.upperBound)年）",
        "must be a real date, YYYY-MM-DD, of \(years.lowerBound) to \(years.upperBound)")
    }
    guard let today else { return nil }
    switch era {
    case .past where date > today: return Phrase("不能晚于当日 \(today)", "must not be after today, \(today)")
    case .future where date < today: return Phrase("不能早于当日 \(today)", "must not be before today, \(today)")
    case .any, .past, .future: return nil
    }
  }

  private static func wrongSubject(_ text: String, _ today: CalendarDate?) -> Phrase? {
    do throws(Phrase) {
      let born = ResidentID.birth(try ResidentID(text).text)
      guard let today, let born, born > today else { return nil }
      return ResidentID.unborn(today)
    } catch let person {
      do throws(Phrase) {
        _ = try OrganCode(text)
        return nil
      } catch let organisation {
        return Phrase(
          "应为公民身份号码或统一社会信用代码：\(person.zh)；\(organisation.zh)",
          "must be a resident id or a unified social credit code: \(person.en); \(organisation.en)")
      }
    }
  }
}
