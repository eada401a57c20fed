internal import BrokerDomain
internal import Testing

/// The content of a request is written once and given back as it was.
@Suite struct EncodedContentTests {
  @Test func everything() throws {
    let content = Content(
      commitment: Commitment(number: "（2026年）第12号", signedOn: try date("2026-11-20"), byAgent: true),
      questions: [
        Question(id: "q1", text: "是否\"已婚\"", asOf: try date("2026-11-20")), Question(id: "q2", text: "", asOf: nil),
      ], purpose: "产前检查费支付", basis: "二（五）", reason: "未共享", reference: "启医保协查〔2026〕12号",
      contact: Contact(name: "李四", phone: "0513-80920000"), signatory: "王五", urgency: .urgent,
      data: try json(#"{"b":1.50,"a":[null]}"#))
    let encoded = EncodedContent(content)
    #expect(
      String(decoding: encoded.bytes, as: UTF8.self)
        == #"{"commitment":{"number":"（2026年）第12号","signedOn":"2026-11-20","byAgent":true},"questions":[{"id":"q1","text":"是否\"已婚\"","asOf":"2026-11-20"},{"id":"q2","text":""}],"purpose":"产前检查费支付","basis":"二（五）","reason":"未共享","reference":"启医保协查〔2026〕12号","contact":{"name":"李四","phone":"0513-80920000"},"signatory":"王五","urgency":"urgent","data":{"b":1.50,"a":[null]}}"#
    )
    #expect(encoded.questionIDs == ["q1", "q2"])
    #expect(encoded.reference == "启医保协查〔2026〕12号")
    #expect(EncodedContent(bytes: encoded.bytes) == encoded)
  }

  @Test func leastContent() {
    let encoded = EncodedContent(Content(questions: [], purpose: ""))
    #expect(
      String(decoding: encoded.bytes, as: UTF8.self)
        == #"{"commitment":null,"questions":[],"purpose":"","basis":null,"reason":null,"reference":null,"contact":null,"signatory":null,"urgency":"normal","data":{}}"#
    )
    #expect(encoded.questionIDs == [] && encoded.reference == nil)
  }

  /// A damaged row asks nothing rather than bringing the process down.
  @Test func damaged() {
    let encoded = EncodedContent(bytes: Array("{".utf8))
    #expect(encoded.questionIDs == [] && encoded.reference == nil)
  }

  @Test func namesOfStatesAndEvents() {
    #expect(
      StateName.allCases.map(\.rawValue) == [
        "submitted", "acknowledged", "awaiting-supplement", "returned", "answered", "declined", "withdrawn", "closed",
      ])
    #expect(
      EventType.allCases.map(\.rawValue) == [
        "request.submitted", "request.acknowledged", "request.answered", "request.declined", "request.returned",
        "request.supplement-asked", "request.supplied", "request.extended", "request.transferred", "request.withdrawn",
        "request.reminded", "request.due-soon", "request.overdue", "request.escalated", "request.deadline-changed",
        "request.closed", "request.followed-up", "request.reversed",
      ])
    #expect(Language.allCases.map(\.rawValue) == ["zh-CN", "en"])
    #expect(Phrase("中", "en").text(.zh) == "中" && Phrase("中", "en").text(.en) == "en")
  }
}
