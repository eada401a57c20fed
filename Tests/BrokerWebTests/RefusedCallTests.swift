import Testing

@testable import BrokerWeb

@Suite struct RefusedCallTests {
  @Test func theyAreToldTogether() {
    let refused = RefusedCalls()
    #expect(refused.take() == nil)
    for _ in 0..<3 { refused.note(from: "192.0.2.7") }
    refused.note(from: "2001:db8::1")
    let words = refused.take()
    #expect(words?.hasPrefix("近一分钟有4次调用没有有效密钥（401）") == true)
    #expect(words?.hasSuffix("from 192.0.2.7 ×3, 2001:db8::1 ×1") == true, "\(words ?? "")")
    #expect(refused.take() == nil, "told")
  }

  /// Whoever comes from everywhere does not fill the line.
  @Test func addressesBeyondABoundAreCountedTogether() {
    let refused = RefusedCalls()
    for host in 0..<40 { refused.note(from: "192.0.2.\(host)") }
    let words = refused.take() ?? ""
    #expect(words.contains("有40次") && words.hasSuffix("… ×24") && words.split(separator: ",").count == 18, "\(words)")
  }
}
