internal import BrokerCallbacks
internal import BrokerDomain
internal import BrokerStore
internal import BrokerWeb

/// One key of the configuration: its dotted name, what it is for in one line, how it is written and how it is read.
struct SettingKey {
  enum Value: Equatable {
    case scalar(String)
    case list([String])
  }

  struct Mistake: Error {
    let expected: Phrase

    func words(_ name: String) -> Phrase { Phrase("\(name) 应为\(expected.zh)", "\(name) must be \(expected.en)") }
  }

  let name: String
  let comment: String
  let get: (Settings) -> Value
  let set: (inout Settings, Value) throws(Mistake) -> Void

  /// `callbacks.allowedNetworks` is also `XIECHA_CALLBACKS_ALLOWED_NETWORKS`. A run of capitals is one word
  /// (`allowHTTP` gives `ALLOW_HTTP`), and so is the unit MiB.
  var environmentName: String {
    var out = Self.environmentPrefix
    var before: Character?
    for character in name.replacing("MiB", with: "Mib") {
      if character.isUppercase, before?.isUppercase == false { out += "_" }
      out += character == "." ? "_" : character.uppercased()
      before = character
    }
    return out
  }

  static let environmentPrefix = "XIECHA_"

  /// Variables under our prefix that are no keys: three that the program reads elsewhere, and those by which its tests
  /// are told what to run.
  static let otherVariables: Set = [
    "XIECHA_STATE_DIR", "XIECHA_SHARE_DIR", "XIECHA_KEY", "XIECHA_BIN", "XIECHA_KILLS", "XIECHA_TEST_PYTHON",
  ]

  private static func text(
    _ name: String, _ path: WritableKeyPath<Settings, String>, _ comment: String,
    expected: Phrase = Phrase("文字", "text"),
    check: @escaping (String) -> Bool = { _ in true }
  ) -> SettingKey {
    SettingKey(
      name: name, comment: comment, get: { .scalar($0[keyPath: path]) },
      set: { (settings: inout Settings, value: Value) throws(Mistake) in
        guard case .scalar(let text) = value, check(text) else { throw Mistake(expected: expected) }
        settings[keyPath: path] = text
      })
  }

  private static func number(
    _ name: String, _ path: WritableKeyPath<Settings, Int>, _ range: ClosedRange<Int>, _ comment: String
  ) -> SettingKey {
    SettingKey(
      name: name, comment: comment + " (\(range.lowerBound)–\(range.upperBound))",
      get: { .scalar(String($0[keyPath: path])) },
      set: { (settings: inout Settings, value: Value) throws(Mistake) in
        guard case .scalar(let text) = value, let number = Int(text), range.contains(number) else {
          throw Mistake(
            expected: Phrase(
              "\(range.lowerBound)至\(range.upperBound)的整数",
              "a whole number from \(range.lowerBound) to \(range.upperBound)"))
        }
        settings[keyPath: path] = number
      })
  }

  private static func isMoment(_ text: String) -> Bool {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ $0.count == 2 }), let hour = Int(parts[0]), let minute = Int(parts[1])
    else { return false }
    return (hour == 24 && minute == 0) || ((0..<24).contains(hour) && (0..<60).contains(minute) && hour + minute > 0)
  }

  private static var allowHTTP: SettingKey {
    SettingKey(
      name: "callbacks.allowHTTP", comment: "Whether callbacks may go to http:// (true or false)",
      get: { .scalar($0.allowHTTP ? "true" : "false") },
      set: { (settings: inout Settings, value: Value) throws(Mistake) in
        switch value {
        case .scalar("true"): settings.allowHTTP = true
        case .scalar("false"): settings.allowHTTP = false
        default: throw Mistake(expected: Phrase("true 或 false", "true or false"))
        }
      })
  }

  private static func retry(
    _ name: String, _ comment: String, expected: Phrase, get: @escaping (RetrySchedule) -> Value,
    set: @escaping (RetrySchedule, Value) -> RetrySchedule?
  ) -> SettingKey {
    SettingKey(
      name: "callbacks.retry." + name, comment: comment, get: { get($0.retry) },
      set: { (settings: inout Settings, value: Value) throws(Mistake) in
        guard let schedule = set(settings.retry, value) else { throw Mistake(expected: expected) }
        settings.retry = schedule
      })
  }

  private static var retries: [SettingKey] {
    [
      retry(
        "stepsSeconds", "Seconds before the 2nd, 3rd … attempt; the last one repeats",
        expected: Phrase("1至50个整数的列表，各为1至604800", "a list of 1 to 50 whole numbers from 1 to 604800"),
        get: { .list($0.stepsSeconds.map(String.init)) },
        set: { schedule, value in
          guard case .list(let texts) = value, (1...50).contains(texts.count) else { return nil }
          let steps = texts.compactMap { Int($0) }.filter { (1...604_800).contains($0) }
          guard steps.count == texts.count else { return nil }
          return RetrySchedule(
            stepsSeconds: steps, giveUpAfterSeconds: schedule.giveUpAfterSeconds, jitter: schedule.jitter)
        }),
      retry(
        "giveUpDays", "Days after which a delivery is dead (1–60); 15 outlast a 9-day Spring Festival",
        expected: Phrase("1至60的整数", "a whole number from 1 to 60"),
        get: { .scalar(String($0.giveUpAfterSeconds / 86_400)) },
        set: { schedule, value in
          guard case .scalar(let text) = value, let days = Int(text), (1...60).contains(days) else { return nil }
          return RetrySchedule(
            stepsSeconds: schedule.stepsSeconds, giveUpAfterSeconds: days * 86_400, jitter: schedule.jitter)
        }),
      retry(
        "jitterPercent", "How far each wait is spread, in percent (0–50)",
        expected: Phrase("0至50的整数", "a whole number from 0 to 50"),
        get: { .scalar(String(Int(($0.jitter * 100).rounded()))) },
        set: { schedule, value in
          guard case .scalar(let text) = value, let percent = Int(text), (0...50).contains(percent) else { return nil }
          return RetrySchedule(
            stepsSeconds: schedule.stepsSeconds, giveUpAfterSeconds: schedule.giveUpAfterSeconds,
            jitter: Double(percent) / 100)
        }),
    ]
  }

  private static var breaker: [SettingKey] {
    [
      number(
        "callbacks.breaker.windowSeconds", \.breaker.windowSeconds, 10...3600,
        "Time over which an endpoint's failures are counted"),
      number(
        "callbacks.breaker.minimumAttempts", \.breaker.minimumAttempts, 2...10_000,
        "Attempts in that time before they mean anything"),
      number(
        "callbacks.breaker.failurePercent", \.breaker.failurePercent, 1...100,
        "Of them failed: the endpoint is left alone but for a probe now and then"),
      number(
        "callbacks.breaker.pauseSeconds", \.breaker.pauseSeconds, 1...3600, "Time to the first probe; then doubled"),
      number("callbacks.breaker.longestPauseSeconds", \.breaker.longestPauseSeconds, 1...86_400, "Longest such time"),
      number(
        "callbacks.breaker.recoveryPerSecond", \.recoveryPerSecond, 1...10_000,
        "Callbacks in the first second after it answers again; doubled every second"),
      number("callbacks.breaker.recoverySeconds", \.recoverySeconds, 1...20, "Seconds for which that bounds them"),
    ]
  }

  private static var language: SettingKey {
    SettingKey(
      name: "language", comment: "Language of errors when the caller names none (zh-CN or en)",
      get: { .scalar($0.language.rawValue) },
      set: { (settings: inout Settings, value: Value) throws(Mistake) in
        guard case .scalar(let text) = value, let language = Language(rawValue: text) else {
          throw Mistake(expected: Phrase("zh-CN 或 en", "zh-CN or en"))
        }
        settings.language = language
      })
  }

  /// In the order of the file.
  static var all: [SettingKey] {
    [
      text(
        "listen", \.listen, "Address of the HTTP API, host:port; port 0 picks one",
        expected: Phrase("host:port", "host:port"),
        check: { text in
          var settings = Settings()
          settings.listen = text
          return settings.address != nil
        }),
      language,
      text("tls.certificate", \.tlsCertificate, "PEM file of the certificate chain; empty serves plain HTTP"),
      text("tls.privateKey", \.tlsPrivateKey, "PEM file of the private key"),
      text(
        "tls.clientAuthorities", \.tlsClientAuthorities, "PEM file of authorities; clients must then show a certificate"
      ),
      number(
        "database.queueLimit", \.database.queueLimit, 1...1_000_000, "Writes that may wait; more are answered 503"),
      number("database.batchLimit", \.database.batchLimit, 1...4096, "Writes that share one commit at most"),
      number("database.readers", \.database.readers, 1...64, "Connections for lists, feeds and reports"),
      number("database.busyTimeoutSeconds", \.database.busyTimeoutSeconds, 1...60, "Wait for another process's lock"),
      number("database.cacheMiB", \.database.cacheMiB, 1...4096, "Page cache of the writer"),
      number(
        "database.listedRequests", \.database.listedRequests, 0...1_000_000,
        "Requests on first pages of lists kept in memory, some 6 KiB each, 20 at most; 0 keeps none"),
      number(
        "database.checkpointPages", \.database.checkpointPages, 100...100_000,
        "Log pages from which on they are copied into the database"),
      number(
        "database.startCheckMiB", \.database.startCheckMiB, 0...65_536,
        "Files up to this are read whole before the start, larger ones right after it"),
      networks, allowHTTP,
    ] + retries + breaker + [
      number(
        "callbacks.disableAfterDays", \.disableAfterDays, 0...60,
        "Working days of nothing but failures after which an endpoint is switched off and its organ told; 0 never"),
      number("callbacks.connectTimeoutSeconds", \.connectTimeoutSeconds, 1...60, "Time to connect"),
      number("callbacks.totalTimeoutSeconds", \.totalTimeoutSeconds, 1...120, "Time for a whole attempt"),
      number(
        "callbacks.inFlight", \.inFlight, 1...4096,
        "Callbacks on the wire at once; up to 32 more stand ready behind them"),
      number("callbacks.inFlightPerEndpoint", \.inFlightPerEndpoint, 1...1024, "The same for one endpoint"),
      text("callbacks.caBundle", \.caBundle, "PEM file of trusted authorities; empty takes the system's"),
      number(
        "callbacks.keepAttemptsDays", \.keepAttemptsDays, 7...3650, "Days for which every attempt stays on record"),
      text(
        "callbacks.source", \.callbackSource,
        "ce-source of callbacks in CloudEvents: this broker's own URI, such as https://xiecha.example.gov.cn/v1",
        expected: Phrase("不含空格的URI", "a URI without spaces"),
        check: { !$0.isEmpty && $0.unicodeScalars.allSatisfy { $0.value > 32 } }),
      text(
        "deadlines.lastMoment", \.lastMoment,
        "When the last day of a new clock ends: 24:00 by law, or office close such as 17:30",
        expected: Phrase("HH:MM，00:01至24:00", "HH:MM, from 00:01 to 24:00"), check: isMoment),
      text(
        "deadlines.officeHours", \.officeHours,
        "When people are told of deadlines, on working days of the organ's region; callbacks leave at any hour",
        expected: Phrase("HH:MM-HH:MM，前者早于后者", "HH:MM-HH:MM, the first before the second"),
        check: { OfficeHours($0) != nil }),
      number(
        "limits.bodyBytes", \.limits.bodyBytes, 1024...16_777_216, "Longest request body; longer ones are answered 413"),
      number(
        "limits.requestsPerSecond", \.limits.requestsPerSecond, 1...1_000_000,
        "Requests per key and second; more are answered 429"),
      number("limits.burst", \.limits.burst, 1...1_000_000, "Requests that a key may make at once"),
      number(
        "limits.longPollSeconds", \.limits.longPollSeconds, 1...300,
        "Longest wait of a long poll"),
      number(
        "limits.waiters", \.limits.waiters, 1...100_000,
        "Long polls that may wait at once, half of them for one organ; more are answered at once"),
      number("limits.connections", \.limits.connections, 1...65_535, "Connections at once; more wait to be accepted"),
      number("limits.idleSeconds", \.limits.idleSeconds, 1...3600, "Time that a connection may be idle"),
      number(
        "limits.drainSeconds", \.drainSeconds, 1...300, "Time that callbacks on the wire get when the daemon stops"),
      text(
        "log.level", \.logLevel, "debug (one line a call), info, notice, warning or error",
        expected: Phrase("debug、info、notice、warning 或 error", "debug, info, notice, warning or error"),
        check: { ["debug", "info", "notice", "warning", "error"].contains($0) }),
    ]
  }
}
