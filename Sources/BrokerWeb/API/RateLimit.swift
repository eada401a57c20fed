internal import BrokerStore
internal import Synchronization

/// A token bucket per key: a client that runs wild is told to wait, and hurts nobody else.
final class RateLimit: Sendable {
  private struct Bucket {
    var tokens: Double
    var at: Int64
  }

  private let buckets = Mutex<[Int64: Bucket]>([:])
  private let perSecond: Double
  private let burst: Double

  init(perSecond: Int, burst: Int) {
    self.perSecond = Double(perSecond)
    self.burst = Double(max(1, burst))
  }

  /// Nil when the call may go on, else the seconds to wait (at least 1). There are as many buckets as keys.
  func take(key: Int64) -> Int? {
    let now = monotonicMicroseconds()
    return buckets.withLock { buckets in
      var bucket = buckets[key] ?? Bucket(tokens: burst, at: now)
      bucket.tokens = min(burst, bucket.tokens + Double(now - bucket.at) * perSecond / 1_000_000)
      bucket.at = now
      defer { buckets[key] = bucket }
      if bucket.tokens >= 1 {
        bucket.tokens -= 1
        return nil
      }
      return max(1, Int(((1 - bucket.tokens) / perSecond).rounded(.up)))
    }
  }
}
