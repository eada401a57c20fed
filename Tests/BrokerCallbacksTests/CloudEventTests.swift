import BrokerDomain
import BrokerStore
import Foundation
import TestSupport
import Testing

@testable import BrokerCallbacks

/// What arrives at an endpoint in the form that it asked for.
@Suite(.timeLimit(.minutes(1))) struct CloudEventTests {
  @Test(arguments: [
    ("/v1", "/v1"), ("https://xiecha.example.gov.cn/v1?a=b&c", "https://xiecha.example.gov.cn/v1?a=b&c"),
    ("a b", "a%20b"), ("100%", "100%25"), ("\"", "%22"), ("启", "%E5%90%AF"), ("\r\nx", "%0D%0Ax"),
    ("€😀", "%E2%82%AC%F0%9F%98%80"),
    ("2026-11-20T10:00:00+08:00", "2026-11-20T10:00:00+08:00"), ("~!\u{7f}", "~!%7F"), ("", ""),
  ]) func valuesAreEncodedAsTheBindingSays(_ pair: (String, String)) {
    #expect(CloudEvents.encoded(pair.0) == pair.1)
  }

  /// Two endpoints get the same event, one in each form; both signed over what they got.
  @Test(arguments: Endpoint.Body.allCases) func bothFormsTellTheSame(_ body: Endpoint.Body) async throws {
    let office = try Office()
    let (standard, cloud) = (try Sink(), try Sink())
    _ = try await office.endpoint(standard.url, body: body)
    _ = try await office.endpoint(cloud.url, body: body) {
      $0.format = .cloudevents
      $0.signatures = [.v1, .v1sm3]
    }
    try await office.submit(1)
    office.dispatcher.start()
    #expect(try await within(5) { standard.receivedCount == 1 && cloud.receivedCount == 1 })
    let (plain, event) = (try #require(standard.received.first), try #require(cloud.received.first))
    #expect(!plain.headers.keys.contains { $0.hasPrefix("ce-") })
    let message = JSONBody(parsing: plain.body)
    #expect(JSONBody(parsing: event.body) == message["data"] && message["data"]["request"].string != nil)
    #expect(event.header("content-type") == "application/json")
    let id = try #require(event.header("webhook-id"))
    let expected = [
      "ce-specversion": "1.0", "ce-id": id, "ce-source": "/v1", "ce-type": "cn.xiecha.request.submitted",
      "ce-time": try #require(message["timestamp"].string),
      "ce-subject": try #require(message["data"]["request"].string),
    ]
    let found = event.headers.filter { $0.key.hasPrefix("ce-") }.compactMapValues { $0.count == 1 ? $0[0] : nil }
    #expect(found == expected)
    #expect(plain.header("webhook-id") == id)
    for (push, sm3) in [(plain, false), (event, true)] {
      let stamp = try #require(push.header("webhook-timestamp").flatMap { Int64($0) })
      let secret = try WebhookSecret(raw: [UInt8](repeating: 7, count: 32))
      let wanted = WebhookSigner(secrets: [secret], sm3: sm3).signature(id: id, timestamp: stamp, body: push.body)
      #expect(push.header("webhook-signature") == wanted)
    }
    await office.close()
  }

  @Test func testMessageIsInTheFormToo() async throws {
    let office = try Office()
    let sink = try Sink()
    let endpoint = try await office.endpoint(sink.url) { $0.format = .cloudevents }
    office.dispatcher.start()
    #expect(await office.dispatcher.test(endpoint)?.outcome == .status(204))
    let push = try #require(sink.received.first)
    #expect(push.header("ce-type") == "cn.xiecha.endpoint.test" && push.header("ce-subject") == endpoint.id.description)
    #expect(push.text == #"{"endpoint":"\#(endpoint.id)"}"#)
    await office.close()
  }

  /// What a retry is for: a name that does not resolve today may do so tomorrow.
  @Test func nameThatDoesNotResolveIsTriedAgain() async throws {
    let office = try Office()
    let endpoint = try await office.endpoint("http://no-such-host.invalid/")
    try await office.submit(1)
    office.dispatcher.start()
    #expect(try await within(10) { office.dispatcher.counts.first { $0.outcome == "retried" }?.count == 1 })
    #expect(try await within(5) { try await office.store.outboxDepth().count == 1 })
    #expect(office.dispatcher.counts.first { $0.outcome == "dead" }?.count == 0)
    #expect(try await office.store.endpoint(endpoint.id)?.endpoint.enabled == true)
    await office.close()
  }
}
