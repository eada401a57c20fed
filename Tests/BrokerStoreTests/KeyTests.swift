import BrokerDomain
import Foundation
import GRDB
import TestSupport
import Testing

@testable import BrokerStore

@Suite(.timeLimit(.minutes(5))) struct KeyTests {
  @Test func keysAreMadeListedAndRevoked() throws {
    let store = try Fixture(.real).open(.command)
    defer { store.close() }
    let organ = try store.number(.requester)
    let first = try store.createKey(organ: organ)
    let second = try store.createKey(organ: nil)
    #expect(first.key != second.key && first.key.hasPrefix("xck_") && first.key.utf8.count == 68)
    #expect(try store.keys().map(\.id) == [first.id, second.id])
    #expect(try store.keys().map(\.organ) == [organ, nil])
    #expect(try store.keys().allSatisfy { $0.revokedAt == nil })
    #expect(try store.revokeKey(first.id))
    #expect(try !store.revokeKey(first.id), "once only")
    #expect(try !store.revokeKey(4711))
    #expect(try store.keys().map { $0.revokedAt != nil } == [true, false])
    #expect(throws: StoreError.self) { try store.createKey(organ: 4711) }
  }

  @Test func onlyTheDigestIsStored() async throws {
    let fixture = try Fixture(.real)
    let key = try await fixture.life { store in
      let key = try store.createKey(organ: nil).key
      let hits: Int64 = try store.scalar("SELECT count(*) FROM api_key WHERE digest = $1", [Data(APIKey.digest(key))])
      #expect(hits == 1)
      return key
    }
    let file = String(decoding: try fixture.bytes, as: UTF8.self)
    #expect(!file.contains(key) && !file.contains(key.dropFirst(4)))
  }

  /// What a command does in another process reaches the daemon by `refresh`.
  @Test func daemonPicksUpWhatACommandDid() async throws {
    let fixture = try Fixture(.real)
    let daemon = try fixture.open()
    defer { daemon.close() }
    let command = try fixture.open(.command)
    defer { command.close() }
    #expect(try await !daemon.refresh(), "nothing has changed")
    let organ = try daemon.number(.requester)
    let (key, id) = try command.createKey(organ: organ)
    let digest = APIKey.digest(key)
    #expect(daemon.principal(digest: digest) == nil)
    #expect(!command.awaitDaemon(timeoutMilliseconds: 60), "it has not been told yet")
    #expect(try await daemon.refresh())
    #expect(daemon.principal(digest: digest) == Principal(keyID: id, organ: organ))
    #expect(command.awaitDaemon(timeoutMilliseconds: 60))
    #expect(try await !daemon.refresh())

    #expect(try command.revokeKey(id))
    #expect(daemon.principal(digest: digest) != nil)
    #expect(try await daemon.refresh())
    #expect(daemon.principal(digest: digest) == nil)

    let text = "code,proof,matter\n901,新证明,新事项\n"
    _ = try command.importFile(.items, Array(text.utf8))
    #expect(daemon.reference.item("901") == nil)
    #expect(try await daemon.refresh())
    #expect(daemon.reference.item("901")?.proof == "新证明")
    // The writer works with the new list as well.
    let request = try await daemon.submit(.marriage(item: "901"))
    #expect(request.item == "901")
  }

  @Test func noDaemonNoWaiting() throws {
    let store = try Fixture(.real).open(.command)
    defer { store.close() }
    _ = try store.createKey(organ: nil)
    #expect(store.awaitDaemon(timeoutMilliseconds: 0))
  }
}
