internal import COpenSSL

/// HMAC with the Chinese hash SM3 (GB/T 32905), by OpenSSL's libcrypto.
enum SM3 {
  static let byteCount = 32

  /// The code of `head` and `body`, one after the other; the body is not copied.
  static func code(key: [UInt8], head: [UInt8], body: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: byteCount) { mac, count in
      let done = copenssl_hmac_sm3(key, key.count, head, head.count, body, body.count, mac.baseAddress)
      // Checked when an endpoint asks for it; a library cannot lose it while it runs.
      precondition(done == 1, "this libcrypto has no SM3")
      count = byteCount
    }
  }

  /// Builds of OpenSSL may leave it out.
  static let isAvailable: Bool = {
    var mac = [UInt8](repeating: 0, count: byteCount)
    return copenssl_hmac_sm3([0], 1, [0], 1, [0], 1, &mac) == 1
  }()
}
