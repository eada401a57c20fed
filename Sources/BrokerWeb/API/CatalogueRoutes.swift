internal import BrokerDomain
internal import BrokerStore
internal import HTTPTypes
internal import Logging
internal import Synchronization

/// Publication of the lists: the 司法局 publishes the changes that it has approved, and they are filed with its superior,
/// or with itself by the departments (莱芜方案 2、崂山方案 3).
struct CatalogueRoutes {
  let broker: Broker

  /// In one commit, so that nobody sees half of it.
  private static let most = 500

  func publish(_ call: Call) async throws -> Reply {
    try call.checkQuery()
    let organ = try requireSupervisor(call)
    let json = try call.json()
    var reader = BodyReader()
    let m = reader.object(json, at: "", members: ["proposals", "effectiveFrom", "notice"]) ?? Members()
    let values = reader.array(m["proposals"], at: "/proposals", required: true, 1...Self.most) ?? []
    var ids: [EntityID?] = []
    for (index, value) in values.enumerated() {
      ids.append(reader.text(value, at: "/proposals/\(index)").flatMap { EntityID($0) })
    }
    let effectiveFrom = reader.date(m["effectiveFrom"], at: "/effectiveFrom")
    let notice = reader.text(m["notice"], at: "/notice", required: true, longest: 200)
    let draft = PublicationDraft(proposals: ids, effectiveFrom: effectiveFrom, notice: notice ?? "")
    guard reader.faults.isEmpty else {
      // Held against the proposals and the lists as well, as far as it can be read.
      reader.add((try? await broker.store.write { try $0.faults(of: draft, by: organ) }) ?? [])
      throw reader.problem(in: json)
    }
    let (trace, language) = (call.trace, call.language)
    let reply = try await broker.once(call, .created) { context in
      let publication = try context.publish(draft, by: organ, trace: trace)
      return Reply { w in
        Self.write(publication, to: organ, context.reference, language, &w)
      }.body
    }
    // Whoever asks next finds the new lists. They are published by now: what cannot be taken up here is taken up by the
    // daemon, which looks for changes all the time.
    await takeUp()
    return reply
  }

  /// Where many deadlines are being moved just now, the caller does not wait until all are.
  private func takeUp() async {
    let (store, logger) = (broker.store, broker.logger)
    await withCheckedContinuation { continuation in
      let isAnswered = Once()
      Task {
        do throws(StoreError) {
          try await store.refresh()
        } catch {
          logger.error(
            "清单已公布，暂未启用，将自动重试 / the lists are published and could not be taken up at once: \(error)")
        }
        if isAnswered.first() { continuation.resume() }
      }
      Task {
        try? await Task.sleep(for: Self.longestTakeUp)
        if isAnswered.first() { continuation.resume() }
      }
    }
  }

  private static let longestTakeUp = Duration.seconds(5)

  func list(_ call: Call) async throws -> Reply {
    try call.checkQuery("limit", "cursor")
    let organ = try call.requireOrgan()
    let (reference, language) = (broker.store.reference, call.language)
    let page = try await broker.store.publications(before: try call.cursor(), limit: try call.limit())
    return await Reply.page(call, page.items, next: page.next) { w, publication in
      Self.write(publication, to: organ, reference, language, &w)
    }
  }

  private func requireSupervisor(_ call: Call) throws(Problem) -> Organ {
    let organ = try call.requireOrgan()
    guard organ.roles.contains(.supervisor) else {
      throw Problem(.forbidden, "forbidden", "清单由司法局公布", "only a supervisor publishes the lists")
    }
    return organ
  }

  /// Who is no party to a request does not learn that it is there.
  private static func write(
    _ publication: Publication, to reader: Organ, _ reference: Reference, _ language: Language,
    _ w: inout JSONWriter
  ) {
    func ids(_ part: Publication.Part) -> [String] {
      publication.requests.filter {
        $0.part == part && (publication.supervisor == reader.number || $0.parties.contains(reader.number))
      }.map(\.id.description)
    }
    w.string("id", publication.id.description)
    w.string("at", publication.at.rfc3339)
    w.string("effectiveFrom", publication.effectiveFrom.description)
    w.string("notice", publication.notice)
    let supervisor = reference.organ(number: publication.supervisor)
    w.object("supervisor") { w in
      w.string("code", supervisor?.code.description)
      w.string("name", supervisor?.name)
    }
    w.array("versions") { w in
      for version in publication.versions {
        w.object { w in
          w.string("list", version.list.rawValue)
          w.int("version", version.number)
        }
      }
    }
    w.array("proposals") { w in for id in ids(.proposal) { w.string(nil, id) } }
    w.array("forms") { w in for id in ids(.forms) { w.string(nil, id) } }
    // One, for who has read it since there could be one only.
    w.string("filing", ids(.filing).first)
    w.array("filings") { w in for id in ids(.filing) { w.string(nil, id) } }
    let note = Phrase(
      "机关目录中没有上级司法局，调整也不是由部门提出的（或未配置清单备案），未提出备案，请另行报送",
      "the directory has no superior supervisor and no department proposed it (or there is no procedure for filing): "
        + "nothing was filed, file it yourself")
    w.string("note", publication.ids(.filing).isEmpty ? note.text(language) : nil)
  }
}

/// Of two who may do something, the one who comes first.
private final class Once: Sendable {
  private let isDone = Atomic(false)

  func first() -> Bool { !isDone.exchange(true, ordering: .relaxed) }
}
