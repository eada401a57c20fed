internal import BrokerCallbacks
internal import CCurl
internal import Foundation
internal import Histogram

/// The least that sending signed callbacks with libcurl can cost: one thread, one multi handle, kept connections, an
/// HMAC for each message, and nothing remembered.
final class BareLoop {
  private final class Transfer {
    let easy: OpaquePointer
    var headers: UnsafeMutablePointer<curl_slist>?
    init(_ easy: OpaquePointer) { self.easy = easy }
  }

  struct Result {
    var perSecond: Double
    var cpuPerThousand: Double
    var latencies: Latencies
  }

  private let multi: OpaquePointer
  private let signer: WebhookSigner
  private let body: UnsafeMutableBufferPointer<UInt8>
  private let bytes: [UInt8]
  private var idle: [Transfer] = []
  private var busy: [OpaquePointer: Transfer] = [:]

  init(urls: [String], body bytes: [UInt8], inFlight: Int) throws {
    curl_global_init(Int(CURL_GLOBAL_DEFAULT))
    guard let multi = curl_multi_init() else { throw BenchError("curl_multi_init") }
    self.multi = multi
    self.bytes = bytes
    signer = WebhookSigner(secrets: [.generate()])
    body = .allocate(capacity: bytes.count)
    _ = body.initialize(from: bytes)
    ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, inFlight)
    for index in 0..<inFlight {
      guard let easy = curl_easy_init() else { throw BenchError("curl_easy_init") }
      ccurl_set_text(easy, CURLOPT_URL, urls[index % urls.count])
      ccurl_set_text(easy, CURLOPT_PROXY, "")
      ccurl_set_text(easy, CURLOPT_USERAGENT, "xiecha/1")
      ccurl_set_long(easy, CURLOPT_POST, 1)
      ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1)
      ccurl_set_long(easy, CURLOPT_TCP_NODELAY, 1)
      ccurl_set_long(easy, CURLOPT_TIMEOUT_MS, 15_000)
      ccurl_set_pointer(easy, CURLOPT_POSTFIELDS, body.baseAddress)
      ccurl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
      idle.append(Transfer(easy))
    }
  }

  func run(_ count: Int) throws -> Result {
    var histogram = Latencies.histogram()
    let (start, cpu) = (nanoseconds(), Usage.cpuSeconds)
    var (sent, done): (Int, Int) = (0, 0)
    while done < count {
      while sent < count, let transfer = idle.popLast() {
        load(transfer, number: sent)
        sent += 1
      }
      var running: Int32 = 0
      curl_multi_perform(multi, &running)
      let finished = try collect(&histogram)
      done += finished
      if finished == 0, running > 0 { curl_multi_poll(multi, nil, 0, 1000, nil) }
    }
    return Result(
      perSecond: Double(count) / seconds(since: start),
      cpuPerThousand: (Usage.cpuSeconds - cpu) / Double(count) * 1000, latencies: Latencies(histogram))
  }

  private func load(_ transfer: Transfer, number: Int) {
    let timestamp = Int64(time(nil))
    let id = "0199a3c2-0000-7000-8000-\(String(format: "%012d", number))"
    let signature = signer.signature(id: id, timestamp: timestamp, body: bytes)
    var headers = curl_slist_append(nil, "Expect:")
    for header in [
      "content-type: application/json", "webhook-id: \(id)", "webhook-timestamp: \(timestamp)",
      "webhook-signature: \(signature)",
    ] {
      headers = curl_slist_append(headers, header)
    }
    transfer.headers = headers
    ccurl_set_headers(transfer.easy, headers)
    busy[transfer.easy] = transfer
    curl_multi_add_handle(multi, transfer.easy)
  }

  private func collect(_ histogram: inout Histogram<UInt64>) throws -> Int {
    var (left, finished): (Int32, Int) = (0, 0)
    while let message = curl_multi_info_read(multi, &left) {
      guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle,
        let transfer = busy.removeValue(forKey: easy)
      else { continue }
      var (status, total): (Int, curl_off_t) = (0, 0)
      ccurl_get_long(easy, CURLINFO_RESPONSE_CODE, &status)
      ccurl_get_offset(easy, CURLINFO_TOTAL_TIME_T, &total)
      guard message.pointee.data.result == CURLE_OK, status == 204 else {
        throw BenchError("the bare loop was answered \(status)")
      }
      histogram.record(UInt64(max(0, total)))
      curl_multi_remove_handle(multi, easy)
      curl_slist_free_all(transfer.headers)
      transfer.headers = nil
      idle.append(transfer)
      finished += 1
    }
    return finished
  }

  deinit {
    for transfer in idle + Array(busy.values) {
      curl_multi_remove_handle(multi, transfer.easy)
      curl_easy_cleanup(transfer.easy)
      curl_slist_free_all(transfer.headers)
    }
    curl_multi_cleanup(multi)
    body.deallocate()
  }
}
