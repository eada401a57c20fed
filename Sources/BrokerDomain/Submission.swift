/// Whom a request is about: a person or an organisation. Personal data: stored apart, masked by default.
package struct Subject: Sendable, Equatable {
  package enum Kind: String, Sendable { case person, organisation }

  package let kind: Kind
  package let name: String
  /// `resident-id` or `uscc`.
  package let idType: String
  package let idNumber: String

  package init(kind: Kind, name: String, idType: String, idNumber: String) {
    self.kind = kind
    self.name = name
    self.idType = idType
    self.idNumber = idNumber
  }
}

package struct Commitment: Sendable, Equatable {
  package let number: String
  package let signedOn: CalendarDate?
  package let byAgent: Bool

  package init(number: String, signedOn: CalendarDate?, byAgent: Bool) {
    self.number = number
    self.signedOn = signedOn
    self.byAgent = byAgent
  }
}

package struct Question: Sendable, Equatable {
  package let id: String
  package let text: String
  package let asOf: CalendarDate?

  package init(id: String, text: String, asOf: CalendarDate?) {
    self.id = id
    self.text = text
    self.asOf = asOf
  }
}

package struct Contact: Sendable, Equatable {
  package let name: String
  package let phone: String?

  package init(name: String, phone: String?) {
    self.name = name
    self.phone = phone
  }
}

/// What a requesting organ states once and for all when it opens a request.
package struct Content: Sendable, Equatable {
  package enum Urgency: String, Sendable, CaseIterable { case normal, urgent }

  package var commitment: Commitment?
  package var questions: [Question]
  package var purpose: String
  package var basis: String?
  package var reason: String?
  package var reference: String?
  package var contact: Contact?
  package var signatory: String?
  package var urgency: Urgency
  package var data: JSON

  package init(
    commitment: Commitment? = nil, questions: [Question], purpose: String, basis: String? = nil,
    reason: String? = nil, reference: String? = nil, contact: Contact? = nil, signatory: String? = nil,
    urgency: Urgency = .normal, data: JSON = .object([])
  ) {
    self.commitment = commitment
    self.questions = questions
    self.purpose = purpose
    self.basis = basis
    self.reason = reason
    self.reference = reference
    self.contact = contact
    self.signatory = signatory
    self.urgency = urgency
    self.data = data
  }
}

/// A new request as its body says it, before routing.
package struct Submission: Sendable, Equatable {
  /// Of a request that names none.
  package static let defaultProcedure = "verification"

  package var procedure: String
  package var item: String?
  package var to: OrganCode?
  package var subject: Subject?
  package let content: Content
  /// Made by whoever makes the submission, beside the one writer for whom all wait.
  package let encoded: EncodedContent

  package init(
    procedure: String, item: String?, to: OrganCode?, subject: Subject?, content: Content
  ) {
    self.procedure = procedure
    self.item = item
    self.to = to
    self.subject = subject
    self.content = content
    encoded = EncodedContent(content)
  }
}
