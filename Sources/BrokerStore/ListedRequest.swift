package import BrokerDomain
internal import Synchronization

/// A request on a page of a list. Pollers ask for the same page again and again, so it may outlive the page
/// (`KnownRequests`), and what was written of it for one reader is not written again.
package final class ListedRequest: Sendable {
  package let request: AssistanceRequest
  package let subject: Subject?
  private let reference: Reference
  private let region: RegionCode?
  private let calendar: WorkingCalendar
  private let texts = Mutex<[Text]>([])

  private struct Text {
    let viewer: OrganCode
    let standing: Standing
    let members: [UInt8]
  }

  /// Its two parties, and those who watch them, of whom most have one.
  private static let readers = 4

  init(_ stored: StoredRequest, _ reference: Reference) {
    (request, subject, self.reference) = (stored.request, stored.subject, reference)
    region = stored.request.countedRegion(reference)
    calendar = reference.calendar(of: stored.request)
  }

  /// The members of its representation, as an organ reads it at a moment.
  package func members(for viewer: OrganCode, now: Instant) -> [UInt8] {
    let standing = Standing(of: request, now: now, calendar: calendar, region: region)
    let written = texts.withLock { $0.first { $0.viewer == viewer && $0.standing == standing } }
    if let written { return written.members }
    var w = JSONWriter(capacity: Self.bytes)
    Representation(request, subject: subject, standing: standing, reference: reference, viewer: viewer).members(&w)
    let text = Text(viewer: viewer, standing: standing, members: w.finish())
    texts.withLock { texts in
      texts.removeAll { $0.viewer == viewer }
      if texts.count == Self.readers { texts.removeFirst() }
      texts.append(text)
    }
    return text.members
  }

  /// What one takes, more or less.
  package static let bytes = 1792
}
