extension Procedure {
  /// What an outcome or a disposal obliges next.
  package struct Next: Sendable, Equatable {
    package enum How: String, Sendable, CaseIterable {
      /// The requesting organ may, or must, open it by itself.
      case offers
      /// The broker opens it together with the answer or the disposal.
      case opens
      /// It undoes a request of that procedure, which a field of the request names.
      case reverses
    }

    /// Where a field of an opened follow-up comes from.
    package enum Source: Sendable, Equatable {
      /// The id of the request that it follows.
      case id
      /// The text of the answer or of the disposal.
      case text
      /// A field of the request.
      case request(String)
      /// A field of the answer.
      case answer(String)
      /// What was given with the disposal under this name.
      case disposal(String)
      case constant(String)
    }

    package struct Fill: Sendable, Equatable {
      package let field: String
      /// In order: the first that has something counts. Never empty.
      package let sources: [Source]

      package init(field: String, sources: [Source]) {
        self.field = field
        self.sources = sources
      }

      package init(field: String, source: Source) { self.init(field: field, sources: [source]) }
    }

    package let procedure: String
    package let how: How
    package let fills: [Fill]
    /// How the name of the organ that receives it ends, where the roles of its answerers do not tell.
    package let receiver: String?
    /// The field that names what is reversed.
    package let field: String?

    package init(_ procedure: String, _ how: How, fills: [Fill] = [], receiver: String? = nil, field: String? = nil) {
      self.procedure = procedure
      self.how = how
      self.fills = fills
      self.receiver = receiver
      self.field = field
    }

    /// Fields of the answer that it hands on.
    package var handedOn: [String] {
      fills.flatMap(\.sources).compactMap { source in
        if case .answer(let name) = source { name } else { nil }
      }
    }

    /// The text of the answer or the disposal may become part of what it opens.
    package var handsOnText: Bool { fills.contains { $0.sources.contains(.text) } }
  }

  package struct DisposalNext: Sendable, Equatable {
    package let measure: Disposal.Measure
    package let next: Next
    package init(_ measure: Disposal.Measure, _ next: Next) {
      self.measure = measure
      self.next = next
    }
  }

  /// A field of this name, of type request, names the request that a new one follows.
  package static let originField = "origin"

  package var hasOrigin: Bool { fields.contains { $0.name == Self.originField && $0.kind == .request } }

  /// What its outcomes may undo.
  package var reversals: [Next] { outcomes.flatMap(\.next).filter { $0.how == .reverses } }

  package func next(of measure: Disposal.Measure) -> Next? { disposals.first { $0.measure == measure }?.next }
}

extension Procedure.Next.Source {
  /// As a definition writes it; nil for a constant.
  package var word: String? {
    switch self {
    case .id: "id"
    case .text: "text"
    case .request(let name): "data." + name
    case .answer(let name): "answer." + name
    case .disposal(let name): "disposal." + name
    case .constant: nil
    }
  }

  package init?(word: String) {
    switch word {
    case "id": self = .id
    case "text": self = .text
    default:
      let parts = word.split(separator: ".", maxSplits: 1).map(String.init)
      guard parts.count == 2 else { return nil }
      switch parts[0] {
      case "data": self = .request(parts[1])
      case "answer": self = .answer(parts[1])
      case "disposal": self = .disposal(parts[1])
      default: return nil
      }
    }
  }
}

extension Procedure.Next.Source {
  /// One of two members: `from` a place, or a `value`.
  fileprivate func write(_ w: inout JSONWriter) {
    if let word { w.string("from", word) }
    if case .constant(let value) = self { w.string("value", value) }
  }

  fileprivate init?(stored json: JSON) {
    if let value = json["value"]?.stringValue {
      self = .constant(value)
    } else if let source = json["from"]?.stringValue.flatMap(Self.init(word:)) {
      self = source
    } else {
      return nil
    }
  }
}

extension [Procedure.Next] {
  /// The members of an outcome that say what follows. Several are written in `nexts`, the first of them also where a
  /// single one stands: whoever knows one only reads on, and a definition that has one is what it was.
  func write(_ w: inout JSONWriter) {
    if let first {
      first.write(&w)
    } else {
      w.null("next")
      w.null("how")
    }
    guard count > 1 else { return }
    w.array("nexts") { w in for next in self { w.object { next.write(&$0) } } }
  }

  /// Nil when it was damaged.
  init?(stored json: JSON) {
    guard let several = json["nexts"]?.arrayValue else {
      self = Procedure.Next(stored: json).map { [$0] } ?? []
      return
    }
    self = several.compactMap(Procedure.Next.init(stored:))
    guard count == several.count else { return nil }
  }
}

extension Procedure.Next {
  /// The members of an outcome or a disposal that say what follows.
  func write(_ w: inout JSONWriter) {
    w.string("next", procedure)
    w.string("how", how.rawValue)
    if how == .opens {
      w.array("fills") { w in
        for fill in fills {
          w.object { w in
            w.string("field", fill.field)
            fill.sources.first?.write(&w)
            guard fill.sources.count > 1 else { return }
            w.array("otherwise") { w in for source in fill.sources.dropFirst() { w.object { source.write(&$0) } } }
          }
        }
      }
      w.string("receiver", receiver)
    }
    if let field { w.string("field", field) }
  }

  /// Nil when nothing follows.
  init?(stored json: JSON) {
    guard let procedure = json["next"]?.stringValue else { return nil }
    let fills = (json["fills"]?.arrayValue ?? []).compactMap { fill -> Fill? in
      guard let field = fill["field"]?.stringValue, let first = Source(stored: fill) else { return nil }
      let others = (fill["otherwise"]?.arrayValue ?? []).compactMap(Source.init(stored:))
      return Fill(field: field, sources: [first] + others)
    }
    self.init(
      procedure, json["how"]?.stringValue.flatMap(How.init(rawValue:)) ?? .offers, fills: fills,
      receiver: json["receiver"]?.stringValue, field: json["field"]?.stringValue)
  }
}
