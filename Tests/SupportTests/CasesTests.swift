internal import TestSupport
internal import Testing

@Suite struct CasesTests {
  /// GB 11643's own example and the contract's, and the weights as the standard states them.
  @Test func residentIDsCarryTheirCheckCharacter() {
    #expect(Person.checkCharacter(of: "11010519491231002") == "X")
    #expect(Person.checkCharacter(of: "44052418800101001") == "4")
    var seen: Set<String> = []
    for _ in 0..<500 {
      let id = Person.residentID()
      seen.insert(id)
      let values = id.map { $0 == "X" ? 10 : $0.wholeNumberValue ?? -100 }
      let sum = values.reversed().enumerated().reduce(0) { $0 + $1.element * (1 << $1.offset) }
      #expect(values.count == 18 && sum % 11 == 1, "\(id)")
    }
    #expect(seen.count > 490)
  }

  @Test func bodiesAreWhatTheContractShows() {
    let body = JSONBody(marriageRequest(extra: ["urgency": .missing, "data": .object([:])]))
    #expect(body["item"].string == "47" && body["to"].string == "11320681014260292T")
    #expect(body["subject"]["idNumber"].string?.count == 18)
    #expect(body["urgency"].isMissing && body["data"].keys == [])
    #expect(JSONBody(marriageRequest(to: nil))["to"].isMissing)
    #expect(JSONBody(marriageRequest())["reference"] != JSONBody(marriageRequest())["reference"])
    #expect(JSONBody(answerBody(result: "partly"))["findings"][0]["result"].string == "partly")
    #expect(JSONBody(declineBody())["signatory"].string != nil)
    #expect(Qidong.requester.code == "113206810142605753" && Qidong.supervisor.shortName == "市司法局")
  }

  @Test func eventuallyTellsWhatItWaitedFor() throws {
    var calls = 0
    try eventually("three calls") {
      calls += 1
      if calls == 2 { throw WaitFault("passing trouble") }
      return calls == 3
    }
    let error = #expect(throws: WaitFault.self) {
      try eventually("the impossible", within: 0.05) { throw WaitFault("no way") }
    }
    #expect(error?.description.contains("the impossible") == true)
    #expect(error?.description.contains("no way") == true)
  }
}
