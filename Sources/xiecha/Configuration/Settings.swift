internal import BrokerCallbacks
internal import BrokerDomain
internal import BrokerStore
internal import BrokerWeb

/// Everything that can be configured, with its default. The keys, their comments and their readers are in
/// `SettingKey.all`; the file in `config/` is rendered from there.
struct Settings: Equatable {
  var listen = "127.0.0.1:8421"
  var language = Language.zh
  var tlsCertificate = ""
  var tlsPrivateKey = ""
  var tlsClientAuthorities = ""
  var database = StoreOptions()
  var allowedNetworks: [String] = []
  var allowHTTP = false
  var retry = RetrySchedule.standard
  var connectTimeoutSeconds = 5
  var totalTimeoutSeconds = 15
  var inFlight = 256
  var inFlightPerEndpoint = 64
  var breaker = BreakerOptions()
  var recoveryPerSecond = 50
  var recoverySeconds = 10
  var disableAfterDays = 5
  var caBundle = ""
  var callbackSource = "/v1"
  var keepAttemptsDays = 90
  var lastMoment = "24:00"
  var officeHours = "09:00-17:00"
  var limits = WebLimits()
  var logLevel = "info"
  var drainSeconds = 20

  /// Minutes after 00:00 of the last day.
  var lastDay: LastDayPolicy {
    let parts = lastMoment.split(separator: ":").compactMap { Int($0) }
    return LastDayPolicy(
      endMinute: parts.count == 2 ? parts[0] * 60 + parts[1] : 24 * 60,
      officeHours: OfficeHours(officeHours) ?? .standard)
  }

  /// Files that the configuration names, with their keys.
  var namedFiles: [(key: String, path: String)] {
    let all: [(key: String, path: String)] = [
      ("tls.certificate", tlsCertificate), ("tls.privateKey", tlsPrivateKey),
      ("tls.clientAuthorities", tlsClientAuthorities), ("callbacks.caBundle", caBundle),
    ]
    return all.filter { !$0.path.isEmpty }
  }

  /// Certificates that are not valid now, and our own where it expires soon. Nothing is refused for them: whoever is to
  /// renew them may still be needed.
  func certificateWarnings() -> [Phrase] {
    namedFiles.compactMap { key, path in
      if key == "tls.privateKey" { return nil }
      return WebOptions.warning(
        on: path, key: key, isOwn: key == "tls.certificate", isBundle: key == "callbacks.caBundle",
        now: BrokerClock.wall)
    }
  }

  /// Host and port; nil when the text is neither `host:port` nor `[v6]:port`.
  var address: (host: String, port: Int)? {
    guard let colon = listen.lastIndex(of: ":"), let port = Int(listen[listen.index(after: colon)...]),
      (0...65535).contains(port)
    else { return nil }
    var host = String(listen[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    return host.isEmpty ? nil : (host, port)
  }

  /// Without an address, whatever does not listen asks for TLS only.
  func webOptions() -> WebOptions {
    var options = WebOptions(host: address?.host ?? "", port: address?.port ?? 0)
    options.certificate = tlsCertificate.isEmpty ? nil : tlsCertificate
    options.privateKey = tlsPrivateKey.isEmpty ? nil : tlsPrivateKey
    options.clientAuthorities = tlsClientAuthorities.isEmpty ? nil : tlsClientAuthorities
    options.limits = limits
    options.language = language
    return options
  }

  /// Endpoints that were registered while http:// was allowed, and get nothing now.
  /// - Returns: nil where there are none.
  func plainEndpointsWarning(_ store: Store) throws(StoreError) -> Phrase? {
    let count = allowHTTP ? 0 : try store.plainEndpoints()
    if count == 0 { return nil }
    return Phrase(
      "有\(count)个回调地址为 http://，而 callbacks.allowHTTP 为 false：不会向其发送；请由其机关改为 https://，或者允许 http://",
      "\(count == 1 ? "one endpoint has" : "\(count) endpoints have") an http:// address while callbacks.allowHTTP is false, "
        + "and nothing is sent there: have the organ change it to https://, or allow http://")
  }

  func callbackOptions() throws -> CallbackOptions {
    var options = CallbackOptions(policy: NetworkPolicy(allowed: try allowedNetworks.map { try CIDR($0) }))
    options.allowHTTP = allowHTTP
    options.schedule = retry
    options.connectTimeoutMS = connectTimeoutSeconds * 1000
    options.totalTimeoutMS = totalTimeoutSeconds * 1000
    options.inFlight = inFlight
    options.inFlightPerEndpoint = inFlightPerEndpoint
    options.keepAttemptsDays = keepAttemptsDays
    options.breaker = breaker
    options.recoveryPerSecond = recoveryPerSecond
    options.recoverySeconds = recoverySeconds
    options.disableAfterDays = disableAfterDays
    options.caBundle = caBundle.isEmpty ? nil : caBundle
    options.source = callbackSource
    return options
  }
}
