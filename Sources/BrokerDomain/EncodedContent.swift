/// A request's content as the JSON members of its representation. It is written once, at submission, and given back
/// byte for byte: reading a request costs no parsing of it.
package struct EncodedContent: Sendable, Equatable {
  /// A JSON object.
  package let bytes: [UInt8]

  /// The requester's reference number, known without parsing when the content was just encoded.
  private let known: (reference: String?, isKnown: Bool)

  package init(bytes: [UInt8]) {
    self.bytes = bytes
    known = (nil, false)
  }

  package static func == (a: EncodedContent, b: EncodedContent) -> Bool { a.bytes == b.bytes }

  package init(_ content: Content) {
    var w = JSONWriter(capacity: 1024)
    w.object { w in
      if let commitment = content.commitment {
        w.object("commitment") { w in
          w.string("number", commitment.number)
          if let signedOn = commitment.signedOn { w.string("signedOn", signedOn.description) }
          w.bool("byAgent", commitment.byAgent)
        }
      } else {
        w.null("commitment")
      }
      w.array("questions") { w in
        for question in content.questions {
          w.object { w in
            w.string("id", question.id)
            w.string("text", question.text)
            if let asOf = question.asOf { w.string("asOf", asOf.description) }
          }
        }
      }
      w.string("purpose", content.purpose)
      w.string("basis", content.basis)
      w.string("reason", content.reason)
      w.string("reference", content.reference)
      if let contact = content.contact {
        w.object("contact") { w in
          w.string("name", contact.name)
          if let phone = contact.phone { w.string("phone", phone) }
        }
      } else {
        w.null("contact")
      }
      w.string("signatory", content.signatory)
      w.string("urgency", content.urgency.rawValue)
      w.value("data", content.data)
    }
    bytes = w.finish()
    known = (content.reference, true)
  }

  /// The members without the braces, for splicing into a representation.
  var members: ArraySlice<UInt8> { bytes.dropFirst().dropLast() }

  private var json: JSON { (try? JSON.parse(bytes)) ?? .object([]) }

  /// The procedure's own fields.
  package var data: JSON { json["data"] ?? .object([]) }

  /// Whom the requester named for questions.
  package var contact: Contact? {
    guard let contact = json["contact"], let name = contact["name"]?.stringValue else { return nil }
    return Contact(name: name, phone: contact["phone"]?.stringValue)
  }

  package var questionIDs: [String] {
    json["questions"]?.arrayValue?.compactMap { $0["id"]?.stringValue } ?? []
  }

  /// The same with other data.
  func with(data: JSON) -> EncodedContent {
    var w = JSONWriter(capacity: bytes.count + 256)
    w.value(nil, json.merged(.object([.init("data", data)])))
    return EncodedContent(bytes: w.finish())
  }

  /// What a request that follows from this one takes over: the commitment, the purpose and whom to ask.
  /// - Parameter signatory: nil for who signed this one.
  func following(data: JSON, signatory: String?) -> Content {
    let json = json
    let commitment = json["commitment"].flatMap { c in
      c["number"]?.stringValue.map {
        Commitment(
          number: $0, signedOn: c["signedOn"]?.stringValue.flatMap { CalendarDate($0) },
          byAgent: c["byAgent"] == .bool(true))
      }
    }
    let contact = json["contact"].flatMap { c in
      c["name"]?.stringValue.map { Contact(name: $0, phone: c["phone"]?.stringValue) }
    }
    return Content(
      commitment: commitment, questions: [], purpose: json["purpose"]?.stringValue ?? "", contact: contact,
      signatory: signatory ?? json["signatory"]?.stringValue,
      urgency: json["urgency"]?.stringValue.flatMap(Content.Urgency.init(rawValue:)) ?? .normal,
      data: data)
  }

  package var reference: String? { known.isKnown ? known.reference : json["reference"]?.stringValue }
}
