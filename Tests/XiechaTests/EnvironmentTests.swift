internal import TestSupport
internal import Testing

@testable internal import xiecha

/// Every key has one name in the environment, and no other name of ours means anything there.
@Suite(.timeLimit(.minutes(5))) struct EnvironmentTests {
  static let names = [
    "listen": "XIECHA_LISTEN", "language": "XIECHA_LANGUAGE", "tls.certificate": "XIECHA_TLS_CERTIFICATE",
    "tls.privateKey": "XIECHA_TLS_PRIVATE_KEY", "tls.clientAuthorities": "XIECHA_TLS_CLIENT_AUTHORITIES",
    "database.queueLimit": "XIECHA_DATABASE_QUEUE_LIMIT", "database.batchLimit": "XIECHA_DATABASE_BATCH_LIMIT",
    "database.readers": "XIECHA_DATABASE_READERS",
    "database.busyTimeoutSeconds": "XIECHA_DATABASE_BUSY_TIMEOUT_SECONDS",
    "database.cacheMiB": "XIECHA_DATABASE_CACHE_MIB",
    "database.listedRequests": "XIECHA_DATABASE_LISTED_REQUESTS",
    "database.checkpointPages": "XIECHA_DATABASE_CHECKPOINT_PAGES",
    "database.startCheckMiB": "XIECHA_DATABASE_START_CHECK_MIB",
    "callbacks.allowedNetworks": "XIECHA_CALLBACKS_ALLOWED_NETWORKS",
    "callbacks.allowHTTP": "XIECHA_CALLBACKS_ALLOW_HTTP",
    "callbacks.retry.stepsSeconds": "XIECHA_CALLBACKS_RETRY_STEPS_SECONDS",
    "callbacks.retry.giveUpDays": "XIECHA_CALLBACKS_RETRY_GIVE_UP_DAYS",
    "callbacks.retry.jitterPercent": "XIECHA_CALLBACKS_RETRY_JITTER_PERCENT",
    "callbacks.breaker.windowSeconds": "XIECHA_CALLBACKS_BREAKER_WINDOW_SECONDS",
    "callbacks.breaker.minimumAttempts": "XIECHA_CALLBACKS_BREAKER_MINIMUM_ATTEMPTS",
    "callbacks.breaker.failurePercent": "XIECHA_CALLBACKS_BREAKER_FAILURE_PERCENT",
    "callbacks.breaker.pauseSeconds": "XIECHA_CALLBACKS_BREAKER_PAUSE_SECONDS",
    "callbacks.breaker.longestPauseSeconds": "XIECHA_CALLBACKS_BREAKER_LONGEST_PAUSE_SECONDS",
    "callbacks.breaker.recoveryPerSecond": "XIECHA_CALLBACKS_BREAKER_RECOVERY_PER_SECOND",
    "callbacks.breaker.recoverySeconds": "XIECHA_CALLBACKS_BREAKER_RECOVERY_SECONDS",
    "callbacks.disableAfterDays": "XIECHA_CALLBACKS_DISABLE_AFTER_DAYS",
    "callbacks.connectTimeoutSeconds": "XIECHA_CALLBACKS_CONNECT_TIMEOUT_SECONDS",
    "callbacks.totalTimeoutSeconds": "XIECHA_CALLBACKS_TOTAL_TIMEOUT_SECONDS",
    "callbacks.inFlight": "XIECHA_CALLBACKS_IN_FLIGHT",
    "callbacks.inFlightPerEndpoint": "XIECHA_CALLBACKS_IN_FLIGHT_PER_ENDPOINT",
    "callbacks.caBundle": "XIECHA_CALLBACKS_CA_BUNDLE",
    "callbacks.keepAttemptsDays": "XIECHA_CALLBACKS_KEEP_ATTEMPTS_DAYS",
    "callbacks.source": "XIECHA_CALLBACKS_SOURCE", "deadlines.lastMoment": "XIECHA_DEADLINES_LAST_MOMENT",
    "deadlines.officeHours": "XIECHA_DEADLINES_OFFICE_HOURS",
    "limits.bodyBytes": "XIECHA_LIMITS_BODY_BYTES", "limits.requestsPerSecond": "XIECHA_LIMITS_REQUESTS_PER_SECOND",
    "limits.burst": "XIECHA_LIMITS_BURST", "limits.longPollSeconds": "XIECHA_LIMITS_LONG_POLL_SECONDS",
    "limits.waiters": "XIECHA_LIMITS_WAITERS", "limits.connections": "XIECHA_LIMITS_CONNECTIONS",
    "limits.idleSeconds": "XIECHA_LIMITS_IDLE_SECONDS", "limits.drainSeconds": "XIECHA_LIMITS_DRAIN_SECONDS",
    "log.level": "XIECHA_LOG_LEVEL",
  ]

  @Test func everyKeyHasItsName() {
    #expect(Dictionary(uniqueKeysWithValues: SettingKey.all.map { ($0.name, $0.environmentName) }) == Self.names)
    #expect(SettingKey.otherVariables.isDisjoint(with: Self.names.values))
  }

  @Test(arguments: [
    ("XIECHA_CALLBACKS_ALLOW_H_T_T_P", "did you mean XIECHA_CALLBACKS_ALLOW_HTTP?"),
    ("XIECHA_DATABASE_CACHE_MI_B", "did you mean XIECHA_DATABASE_CACHE_MIB?"),
    ("XIECHA_LIMIT_BURST", "did you mean XIECHA_LIMITS_BURST?"),
    ("XIECHA_WEATHER", "a key a.bC of config/xiecha.yaml is XIECHA_A_B_C here"),
  ])
  func unknownNamesAreRefused(_ name: String, _ words: String) throws {
    let state = try StateDirectory(example: nil)
    for command in [["check"], ["serve", "--listen", "127.0.0.1:0"], ["init"]] {
      let result = try state.run(command, environment: [name: "1"], timeout: 20)
      #expect(result.status == 2, "\(result.stderr)")
      for part in ["environment \(name): 没有这一变量", "there is no such variable", words] {
        #expect(result.stderr.contains(part), "\(part) not in: \(result.stderr)")
      }
    }
  }

  @Test func namesAreRead() throws {
    var settings = Settings()
    var environment = Dictionary(uniqueKeysWithValues: SettingKey.otherVariables.map { ($0, "/somewhere") })
    environment["XIECHA_CALLBACKS_ALLOW_HTTP"] = "true"
    environment["XIECHA_DATABASE_CACHE_MIB"] = "77"
    environment["HOME"] = "/root"
    #expect(settings.apply(environment: environment, assignments: []).isEmpty)
    let cache = SettingKey.all.first { $0.name == "database.cacheMiB" }
    #expect(settings.allowHTTP && cache?.get(settings) == .scalar("77"))
  }
}
