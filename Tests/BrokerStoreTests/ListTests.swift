import BrokerDomain
import TestSupport
import Testing

@testable import BrokerStore

@Suite(.timeLimit(.minutes(5))) struct ListTests {
  /// Pages and parts of large requests end early, and nothing is left out.
  @Test func largeRequestsMakeSmallPages() async throws {
    var options = StoreOptions()
    options.pageBytes = 800
    let store = try Fixture().open(options: options)
    defer { store.close() }
    var ids: [EntityID] = []
    for _ in 0..<12 { ids.append(try await store.submit().id) }
    var (pages, cursor): ([[EntityID]], Int64?) = ([], nil)
    repeat {
      let page = try await store.requests(
        of: try store.number(.requester), RequestFilter(), cursor: cursor, limit: 10)
      pages.append(page.items.map(\.request.id))
      cursor = page.next
    } while cursor != nil && pages.count < 20
    #expect(pages.joined().map(\.self) == ids.reversed())
    #expect(pages.allSatisfy { $0.count < 10 } && pages.count > 2, "\(pages.map(\.count))")
    let organs: Set = [try store.number(.requester)]
    var (parts, after): ([[EntityID]], Int64?) = ([], 0)
    while let from = after, parts.count < 20 {
      let page = try await store.ledger(
        LedgerQuery(
          from: Fixture.monday.date, to: Fixture.monday.date, procedures: ["verification"], organs: organs,
          reader: Qidong.requester.organ,
          after: from,
          limit: 10))
      parts.append(page.items.map(\.request.id))
      after = page.next
    }
    #expect(parts.joined().map(\.self) == ids && parts.allSatisfy { $0.count < 10 }, "\(parts.map(\.count))")
  }

  private static let people = ["11010519491231002X", "320681199001010017", "320681198502020025"]
  private static let organs: [Qidong] = [.requester, .responder, .stranger, .credit]

  /// 90 requests between four organs over twelve days, in every state, some overdue.
  /// - Parameter files: two thirds of what has happened is filed, in two portions; else nothing is.
  private static func populate(_ store: Store, files: Bool) async throws {
    var random = SeededGenerator(seed: 7)
    let keeper = DeadlineKeeper(store: store) { _ in }
    for index in 0..<90 {
      if files, [30, 60].contains(index) {
        let organ = try #require(store.reference.organ(Qidong.requester.organ))
        try await store.write { context in
          _ = try context.open(.marriage(), by: organ)
          try context.fileEvents(every: 1)
        }
      }
      let pair = organs.shuffled(using: &random)
      let procedure = Bool.random(using: &random) ? "verification" : "complaint"
      let person = Int.random(in: 0..<4, using: &random)
      let id = try await store.submit(
        .marriage(
          to: pair[1], item: nil, procedure: procedure,
          subject: person == 3 ? nil : .person("某人", people[person])), by: pair[0]
      ).id
      switch Int.random(in: 0..<6, using: &random) {
      case 0: try await store.carryOut(.acknowledge(officer: nil), id, by: pair[1])
      case 1: try await store.carryOut(.confirm, id, by: pair[1])
      case 2: try await store.carryOut(.refuse, id, by: pair[1])
      case 3: try await store.carryOut(.pullBack, id, by: pair[0])
      case 4: try await store.carryOut(.giveBack(.init(reason: "不属于本机关职权", competentOrgan: nil)), id, by: pair[1])
      default: break
      }
      _ = try await keeper.rehearse(
        to: store.clock.now + Int64.random(in: 60_000...22_000_000, using: &random))
    }
  }

  private static func all(_ store: Store) async throws -> [StoredRequest] {
    var result: [StoredRequest] = []
    for key in try await store.read({ try $0.all(KeysSQL.all) { $0.int(0) } }) {
      let reference = store.reference
      let stored = try await store.read { db in try StoredRequest.load(key, db, reference) }
      result.append(try #require(stored))
    }
    return result
  }

  private enum KeysSQL: String { case all = "SELECT key FROM request ORDER BY key DESC" }

  /// The filter as its words say it.
  private static func matches(_ stored: StoredRequest, _ filter: RequestFilter, _ organ: OrganCode, _ now: Instant)
    -> Bool
  {
    let request = stored.request
    let party =
      switch filter.role {
      case nil: request.requester == organ || request.responder == organ
      case .requester: request.requester == organ
      case .responder: request.responder == organ
      case .supervisor: false
      }
    return party
      && (filter.states.map { $0.contains(request.state.name) } ?? true)
      && (filter.procedure == nil || filter.procedure == request.procedure)
      && (filter.overdue == nil || filter.overdue == request.isOverdue(now: now))
      && (filter.dueBefore.map { request.deadline.at < $0 } ?? true)
      && (filter.updatedAfter.map { request.updatedAt > $0 } ?? true)
      && (filter.subject.map { stored.subject?.idNumber == $0 } ?? true)
  }

  /// All pages one after another.
  private static func pages(_ store: Store, _ organ: Int64, _ filter: RequestFilter, limit: Int) async throws
    -> [EntityID]
  {
    var ids: [EntityID] = []
    var cursor: Int64?
    repeat {
      let page = try await store.requests(of: organ, filter, cursor: cursor, limit: limit)
      #expect(page.items.count <= limit)
      #expect(page.next == nil || page.items.count == limit)
      ids += page.items.map(\.request.id)
      cursor = page.next
    } while cursor != nil && ids.count < 1000
    return ids
  }

  private static func filters(_ all: [StoredRequest], _ now: Instant) -> [RequestFilter] {
    let middle = all[all.count / 2].request
    let moments = [middle.updatedAt, middle.updatedAt + -1, Fixture.monday + -1, now]
    var single: [(inout RequestFilter) -> Void] = [
      { $0.overdue = true }, { $0.overdue = false }, { $0.procedure = "complaint" }, { $0.procedure = "unheard-of" },
      { $0.dueBefore = middle.deadline.at }, { $0.dueBefore = middle.deadline.at + 1 },
      { $0.states = [.submitted, .answered] }, { $0.states = [] }, { $0.subject = people[0] },
      { $0.subject = "nobody" }, { $0.subject = people[1] },
    ]
    for state in StateName.allCases { single.append { $0.states = [state] } }
    for moment in moments { single.append { $0.updatedAfter = moment } }
    var filters: [RequestFilter] = []
    for role in [nil, RequestFilter.Role.requester, .responder] {
      var base = RequestFilter()
      base.role = role
      filters.append(base)
      for (index, first) in single.enumerated() {
        var one = base
        first(&one)
        filters.append(one)
        for second in single[(index + 1)...] {
          var two = one
          second(&two)
          filters.append(two)
        }
      }
    }
    return filters
  }

  /// With subjects in no run yet and nothing filed, and with several runs of which one is begun, and most events filed;
  /// read from the database each time, and known from the lists before.
  @Test(arguments: [(8192, 0), (8192, 4096), (7, 0), (7, 4096)])
  func everyFilterAgreesWithBruteForce(_ subjectsAtOnce: Int, _ listedRequests: Int) async throws {
    var options = StoreOptions()
    (options.subjectsAtOnce, options.listedRequests) = (subjectsAtOnce, listedRequests)
    let store = try Fixture().open(options: options)
    defer { store.close() }
    let files = subjectsAtOnce == 7
    try await Self.populate(store, files: files)
    let all = try await Self.all(store)
    #expect(
      Set(all.map(\.request.state.name)) == [.submitted, .acknowledged, .answered, .declined, .withdrawn, .returned])
    #expect(all.contains { $0.request.isOverdue(now: store.clock.now) })
    let organ = Qidong.requester.organ
    let number = try store.number(.requester)
    if files {
      #expect(try store.scalar("SELECT count(*) FROM subject_run") > 3)
      #expect(try store.scalar("SELECT through > 50 AND through + 50 < (SELECT max(seq) FROM event) FROM filing") == 1)
    }
    var nonEmpty = 0
    let filters = Self.filters(all, store.clock.now)
    for (index, filter) in filters.enumerated() {
      let expected = all.filter { Self.matches($0, filter, organ, store.clock.now) }.map(\.request.id)
      let found = try await store.requests(of: number, filter, cursor: nil, limit: 500)
      #expect(found.items.map(\.request.id) == expected, "\(filter)")
      #expect(found.next == nil)
      if !expected.isEmpty { nonEmpty += 1 }
      let limit = [1, 4, 3, 7][index % 4]
      #expect(try await Self.pages(store, number, filter, limit: limit) == expected, "\(filter), \(limit) a page")
    }
    #expect(nonEmpty > 200, "the filters must find something to be worth asking")
    var supervised = RequestFilter()
    supervised.role = .supervisor
    #expect(
      try await store.requests(of: number, supervised, cursor: nil, limit: 9).items.isEmpty, "asked of `supervised`")
  }

  /// A supervisor's list merges those of all the organs that it covers.
  @Test(arguments: [true, false], [0, 4096])
  func whatASupervisorSeesAgreesWithBruteForce(_ files: Bool, _ listedRequests: Int) async throws {
    var options = StoreOptions()
    options.listedRequests = listedRequests
    let store = try Fixture().open(options: options)
    defer { store.close() }
    try await Self.populate(store, files: files)
    let all = try await Self.all(store)
    let supervisor = try #require(store.reference.organ(Qidong.supervisor.organ))
    let covered = Set(store.reference.organs.filter { supervisor.region.covers($0.region) }.map(\.code))
      .subtracting([supervisor.code])
    #expect(covered.count > 8, "more streams than are read at a page's length")
    for filter in Self.filters(all, store.clock.now) where filter.role == nil && filter.subject == nil {
      let expected = all.filter { stored in
        let request = stored.request
        return [request.requester, request.responder].contains { party in
          covered.contains(party) && Self.matches(stored, filter, party, store.clock.now)
        } && request.parties(supervisor.code, store.reference).contains(.supervisor)
      }.map(\.request.id)
      for limit in [3, 500] {
        var (found, cursor): ([EntityID], Int64?) = ([], nil)
        repeat {
          let page = try await store.supervised(by: supervisor, filter, cursor: cursor, limit: limit)
          found += page.items.map(\.request.id)
          cursor = page.next
        } while cursor != nil && found.count < 1000
        #expect(found == expected, "\(filter), \(limit) a page")
      }
    }
  }

  /// A stranger's list is empty, whatever it asks for.
  @Test func onlyPartiesSeeARequest() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    try await store.submit()
    var bySubject = RequestFilter()
    bySubject.subject = "11010519491231002X"
    var changed = RequestFilter()
    changed.updatedAfter = Fixture.monday + -1
    for filter in [RequestFilter(), bySubject, changed] {
      let mine = try await store.requests(of: store.number(.requester), filter, cursor: nil, limit: 10)
      #expect(mine.items.count == 1)
      let others = try await store.requests(of: store.number(.stranger), filter, cursor: nil, limit: 10)
      #expect(others.items.isEmpty)
    }
  }

  /// What comes in between two pages is newer than both: nothing repeats and nothing is left out.
  @Test func cursorsAreStableUnderInserts() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    var expected: [EntityID] = []
    for _ in 0..<25 { expected.append(try await store.submit().id) }
    expected.reverse()
    let number = try store.number(.responder)
    var seen: [EntityID] = []
    var cursor: Int64?
    repeat {
      let page = try await store.requests(of: number, RequestFilter(), cursor: cursor, limit: 4)
      seen += page.items.map(\.request.id)
      cursor = page.next
      try await store.submit()
      // A transition moves a request between the open and the closed part of the index.
      if let id = page.items.first?.request.id { try await store.carryOut(.confirm, id) }
    } while cursor != nil && seen.count < 100
    #expect(seen == expected)
  }

  @Test func endpointPagesGoOldestFirst() async throws {
    let store = try Fixture().open()
    defer { store.close() }
    var keys: [Int64] = []
    for _ in 0..<7 { keys.append(try await store.addEndpoint(of: .requester).id.key) }
    try await store.addEndpoint(of: .responder)
    let first = try await store.endpoints(of: store.number(.requester), cursor: nil, limit: 4)
    #expect(first.items.map(\.endpoint.id.key) == Array(keys[..<4]))
    let second = try await store.endpoints(of: store.number(.requester), cursor: first.next, limit: 4)
    #expect(second.items.map(\.endpoint.id.key) == Array(keys[4...]))
    #expect(second.next == nil)
  }
}
