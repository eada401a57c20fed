internal import Testing

@testable internal import BrokerWeb

@Suite struct CrowdTests {
  @Test func noMoreAreLetInThanMayBe() {
    let crowd = Crowd(most: 2)
    #expect(crowd.enter() && crowd.enter())
    #expect(!crowd.enter() && !crowd.enter())
    crowd.leave()
    #expect(crowd.enter() && !crowd.enter())
    crowd.leave()
    crowd.leave()
    #expect(crowd.enter())
  }
}
