import BrokerDomain
import TestSupport
import Testing

@testable import BrokerStore

/// The rules by which it is kept, one by one.
@Suite struct KnownRequestRules {
  let known = KnownRequests(capacity: 3)
  let listed: [ListedRequest]
  let reference: Reference

  init() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    var listed: [ListedRequest] = []
    for _ in 0..<5 {
      let request = try await store.submit()
      listed.append(ListedRequest(StoredRequest(request: request, subject: nil), store.reference))
    }
    (self.listed, reference) = (listed, store.reference)
    known.begin(newest: 10)
  }

  private func isKnown(_ index: Int, newest: Int64 = 10) -> Bool {
    known.requests([listed[index].request.id.key], newest: newest, reference)?[0] === listed[index]
  }

  private func keep(_ indices: Int..., newest: Int64 = 10) {
    known.keep(indices.map { listed[$0] }, newest: newest, reference)
  }

  private func notice(_ index: Int, _ seq: Int64) -> CommitNotice {
    var notice = CommitNotice()
    notice.changes = [.init(request: listed[index].request.id.key, version: 2, seq: seq, organs: [])]
    return notice
  }

  @Test func whatChangesIsTakenOutBeforeTheCommitAndKeptByNobodyUntilItsEnd() {
    keep(0, 1)
    #expect(isKnown(0) && isKnown(1) && !isKnown(2))
    known.willCommit(notice(0, 11))
    #expect(!isKnown(0) && !isKnown(0, newest: 11) && isKnown(1) && isKnown(1, newest: 11))
    keep(0, 2)
    #expect(!isKnown(0) && isKnown(2))
    known.didCommit(notice(0, 11))
    keep(0, newest: 10)
    #expect(!isKnown(0), "read before the commit")
    keep(0, newest: 11)
    #expect(isKnown(0, newest: 11) && !isKnown(0), "newer than who reads")
  }

  @Test func aCommitThatFailedChangesNothing() {
    keep(1)
    known.willCommit(notice(0, 11))
    known.didFail()
    #expect(isKnown(1) && !isKnown(1, newest: 11), "an event that another process wrote instead")
    known.willCommit(notice(2, 11))
    known.didCommit(notice(2, 11))
    #expect(isKnown(1) && isKnown(1, newest: 11))
    keep(0, newest: 11)
    #expect(isKnown(0, newest: 11))
  }

  @Test func whatAnotherProcessWroteMayHaveChangedAnything() {
    keep(0, 1)
    #expect(!isKnown(0, newest: 12))
    known.willCommit(notice(2, 13))
    known.didCommit(notice(2, 13))
    #expect(!isKnown(0) && !isKnown(1, newest: 13))
  }

  @Test func afterAChangeWithoutAnEventNothingIsKeptUntilThereIsOne() {
    keep(0, 1)
    var notice = CommitNotice()
    notice.amended = [listed[0].request.id.key]
    known.willCommit(notice)
    known.didCommit(notice)
    #expect(!isKnown(0) && isKnown(1))
    keep(0)
    #expect(!isKnown(0))
    known.willCommit(self.notice(2, 11))
    known.didCommit(self.notice(2, 11))
    keep(0, newest: 11)
    #expect(isKnown(0, newest: 11))
  }

  @Test func theOldestMakesRoom() {
    keep(0, 1, 2)
    keep(3)
    #expect(!isKnown(0) && isKnown(1) && isKnown(2) && isKnown(3))
    // What is known already needs no more room, and what was taken out has left some.
    keep(2, 3)
    #expect(isKnown(1) && isKnown(2) && isKnown(3))
    known.willCommit(notice(3, 11))
    known.didCommit(notice(3, 11))
    keep(3, newest: 11)
    #expect(!isKnown(1, newest: 11) && isKnown(2, newest: 11) && isKnown(3, newest: 11))
    keep(0, 4, newest: 11)
    #expect(isKnown(0, newest: 11) && isKnown(3, newest: 11) && isKnown(4, newest: 11))
  }

  @Test func underOtherListsNothingIsKnown() {
    keep(0)
    let other = Reference(
      organs: reference.organs, items: [], assistance: [], calendar: reference.calendar, procedures: [],
      lastDay: .midnight)
    #expect(known.requests([listed[0].request.id.key], newest: 10, other) == nil)
    known.keep([listed[1]], newest: 10, other)
    #expect(!isKnown(0))
  }
}
