extension Procedure {
  /// The definition as `GET /v1/procedures` publishes it.
  package func write(_ w: inout JSONWriter) {
    w.string("id", id)
    w.int("version", version)
    writeRules(&w, published: true)
    w.value("dataSchema", Self.jsonSchema(of: fields))
    w.value("answerSchema", Self.jsonSchema(of: answerFields))
  }

  /// The definition as it is kept: what was published, without its number and what follows from the rest. What was added
  /// to definitions later is left out while it has no say: the others are no new versions for that.
  package var canonical: [UInt8] {
    var w = JSONWriter(capacity: 4096)
    w.object { w in
      w.string("id", id)
      writeRules(&w, published: false)
    }
    return w.bytes
  }

  private func writeRules(_ w: inout JSONWriter, published: Bool) {
    w.phrase("title", title)
    w.string("clause", clause)
    let (itself, roles): (Bool, [Organ.Role]) =
      switch openers {
      case .itself: (true, [])
      case .roles(let roles): (false, roles)
      }
    w.object("openers") { w in
      w.bool("itself", itself)
      w.roles("roles", roles)
    }
    w.object("answerers") { w in
      w.bool("itself", itself)
      w.roles("roles", answerers)
      if published || answererRegion != .any { w.string("region", answererRegion.rawValue) }
    }
    w.object("clock") { w in
      clock.write(&w, days: workingDays)
      if published || handover != .restarts { w.string("handover", handover.rawValue) }
      if published || binds != .receiver { w.string("binds", binds.rawValue) }
    }
    w.int("acknowledgeDays", acknowledgeDays)
    w.int("returnDays", returnDays)
    w.object("allows") { w in
      w.bool("supplement", supplement)
      w.bool("extension", allowsExtension)
      w.bool("transfer", allowsTransfer)
      w.bool("return", allowsReturn)
      w.bool("decline", allowsDecline)
    }
    w.object("expects") { w in
      w.string("item", item.rawValue)
      w.string("subject", subject.rawValue)
      w.string("questions", questions.rawValue)
    }
    w.string("answerKind", answerKind.rawValue)
    if published || commits != answerKind.verifies { w.bool("commits", commits) }
    w.array("outcomes") { w in
      for outcome in outcomes {
        w.object { w in
          w.string("id", outcome.id)
          w.phrase("title", outcome.title)
          w.array("requires") { w in for name in outcome.requires { w.string(nil, name) } }
          outcome.next.write(&w)
        }
      }
    }
    w.array("disposals") { w in
      for disposal in disposals {
        w.object { w in
          w.string("measure", disposal.measure.rawValue)
          disposal.next.write(&w)
        }
      }
    }
    w.array("declineReasons") { w in
      for reason in declineReasons {
        w.object { w in
          w.string("id", reason.id)
          w.phrase("title", reason.title)
        }
      }
    }
    w.array("fields") { w in for field in fields { w.object { field.write(&$0) } } }
    w.array("answerFields") { w in for field in answerFields { w.object { field.write(&$0) } } }
    w.bool("sealed", isSealed)
    w.roles("copies", copies)
    w.array("ladder") { w in for rung in ladder { w.string(nil, rung.name) } }
  }
}

extension JSONWriter {
  fileprivate mutating func roles(_ name: StaticString, _ roles: [Organ.Role]) {
    array(name) { w in for role in roles { w.string(nil, role.rawValue) } }
  }
}

extension Procedure.Clock {
  /// `workingDays` is always there, null where no days are counted, so that a client need not know every kind.
  fileprivate func write(_ w: inout JSONWriter, days: Int) {
    switch self {
    case .workingDays(_, let start):
      w.string("kind", "working-days")
      w.int("workingDays", days)
      switch start {
      case .receipt: w.string("from", "receipt")
      case .field(let name): w.string("from", "data." + name)
      }
    case .acknowledge:
      w.string("kind", "acknowledge")
      w.int("workingDays", days)
      w.string("from", "receipt")
    case .fixedDates(let dates, let roll, let field):
      w.string("kind", "fixed-dates")
      w.int("workingDays", Int?.none)
      w.array("dates") { w in for date in dates { w.string(nil, date.description) } }
      w.string("roll", roll.rawValue)
      if let field { w.string("after", "data." + field) }
    case .statedDate(let field, let roll, _):
      w.string("kind", "stated-date")
      w.int("workingDays", days)
      w.string("date", "data." + field)
      w.string("roll", roll.rawValue)
    }
  }
}

extension Procedure.Field {
  fileprivate func write(_ w: inout JSONWriter) {
    w.string("name", name)
    w.phrase("label", label)
    w.string("type", kind.name)
    w.bool("required", required)
    switch kind {
    case .text(let least, let most, let pattern):
      w.int("minLength", least)
      w.int("maxLength", most)
      if let pattern { w.string("pattern", pattern) }
    case .date(let era):
      w.string("when", era.rawValue)
      // Left out where there is none, as before there were such.
      if let notBefore { w.string("notBefore", notBefore.rawValue) }
    case .integer(let range):
      w.int("minimum", range.lowerBound)
      w.int("maximum", range.upperBound)
    case .choice(let choices):
      w.array("choices") { w in
        for choice in choices {
          w.object { w in
            w.string("id", choice.id)
            w.phrase("title", choice.title)
          }
        }
      }
    case .organ: if recuses { w.bool("recuses", true) }
    case .boolean, .subjectID, .request: break
    }
  }
}
