internal import Foundation
internal import TestSupport
internal import Testing

/// A configuration that cannot be used is named with file and line before anything starts.
@Suite(.timeLimit(.minutes(5))) struct ConfigurationTests {
  let state: StateDirectory
  var file: String { state.path + "/xiecha.yaml" }
  var procedure: String { state.path + "/procedures/verification.yaml" }

  init() throws { state = try StateDirectory(example: nil) }

  private func replace(_ old: String, _ new: String, in path: String) throws -> Int {
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let line = try #require(lines.firstIndex { $0.contains(old) }, "\(path) has no \(old)") + 1
    let edited = text.replacingOccurrences(of: old, with: new)
    try edited.write(toFile: path, atomically: false, encoding: .utf8)
    return line
  }

  /// `check` and `serve` say the same and end with 2.
  private func expectRefused(
    _ parts: [String], environment: [String: String] = [:], arguments: [String] = [],
    _ place: SourceLocation = #_sourceLocation
  ) throws {
    for command in [["check"], ["serve", "--listen", "127.0.0.1:0"]] {
      let result = try state.run(command + arguments, environment: environment, timeout: 20)
      #expect(result.status == 2, "\(result.stderr)", sourceLocation: place)
      for part in parts {
        #expect(result.stderr.contains(part), "\(part) not in: \(result.stderr)", sourceLocation: place)
      }
    }
  }

  @Test func theFileInConfigIsWhatInitWrites() throws {
    let shipped = try Data(contentsOf: URL(fileURLWithPath: Binary.packageRoot + "/config/xiecha.yaml"))
    #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == shipped)
  }

  /// What stood in it would count for nothing.
  @Test func aSecondDocumentIsRefused() throws {
    let text = try String(contentsOfFile: file, encoding: .utf8)
    try (text + "---\nlisten: \"127.0.0.1:3\"\n").write(toFile: file, atomically: true, encoding: .utf8)
    try expectRefused(["\(file):", "a second document begins before this"])
  }

  @Test(arguments: [
    ("  bodyBytes:", "  bodyBites:", "did you mean limits.bodyBytes?"),
    ("  allowHTTP:", "  allowHttp:", "did you mean callbacks.allowHTTP?"),
    ("  queueLimit:", "  connections:", "did you mean limits.connections?"),
    ("listen:", "weather:", "there is no key weather; see config/xiecha.yaml"),
  ])
  func unknownKeys(_ old: String, _ new: String, _ words: String) throws {
    let line = try replace(old, new, in: file)
    try expectRefused(["\(file):\(line): ", words])
  }

  @Test(arguments: [
    ("  bodyBytes: 262144", "  bodyBytes: 10", "limits.bodyBytes must be a whole number from 1024 to 16777216"),
    ("  readers: 4", "  readers: many", "database.readers must be a whole number"),
    ("  allowHTTP: false", "  allowHTTP: 1", "callbacks.allowHTTP must be true or false"),
    (
      "  allowedNetworks: []", "  allowedNetworks: 10.0.0.0/8",
      "must be a list of networks such as [10.0.0.0/8, fd00::/8]\n"
    ),
    (
      "  allowedNetworks: []", "  allowedNetworks: [172.16.0.0/12, 10.0.0.0/40]",
      "[10.0.0.0/8, fd00::/8]: the prefix length of “10.0.0.0/40” must be 0 to 32\n"
    ),
    (
      "  allowedNetworks: []", "  allowedNetworks: [10.0.0.1/8, gov.cn, 'fd00::/200']",
      "fd00::/8]: “10.0.0.1/8” has bits set beyond its prefix; write 10.0.0.0/8; “gov.cn” is no IPv4 or IPv6 address; "
        + "the prefix length of “fd00::/200” must be 0 to 128"
    ),
    ("listen: \"127.0.0.1:8421\"", "listen: localhost", "listen must be host:port"),
    ("language: zh-CN", "language: fr", "language must be zh-CN or en"),
    ("  officeHours: \"09:00-17:00\"", "  officeHours: \"17:00-09:00\"", "deadlines.officeHours must be HH:MM-HH:MM"),
    ("  lastMoment: \"24:00\"", "  lastMoment: \"25:00\"", "deadlines.lastMoment must be HH:MM"),
    ("  level: info", "  level: loud", "log.level must be debug, info"),
    ("    giveUpDays: 15", "    giveUpDays: 0", "callbacks.retry.giveUpDays must be"),
  ])
  func wrongValues(_ old: String, _ new: String, _ words: String) throws {
    let line = try replace(old, new, in: file)
    try expectRefused(["\(file):\(line): ", words])
  }

  /// What would have been below a key that takes a value is not passed over: TLS would be off.
  @Test(arguments: ["tls.certificate", "tls.privateKey", "tls.clientAuthorities", "callbacks.caBundle", "listen"])
  func groupsWhereAValueBelongs(_ name: String) throws {
    let key = name.split(separator: ".").last.map(String.init) ?? name
    let line = try replace("\(key):", "\(key): {file: /etc/ssl/x.pem}\n#", in: file)
    try expectRefused(["\(file):\(line): ", "\(name) 之下没有更下一级的键", "\(name) has no keys below it"])
  }

  @Test func everyFaultIsNamedAtOnce() throws {
    let lines = [
      try replace("  bodyBytes: 262144", "  bodyBytes: 10", in: file),
      try replace("  queueLimit:", "  connections:", in: file),
      try replace("  level: info", "  level: loud", in: file),
    ]
    try expectRefused(
      lines.map { "\(file):\($0): " } + [
        "environment XIECHA_NONSENSE", "environment XIECHA_LIMITS_BURST", "--set weather",
      ],
      environment: ["XIECHA_NONSENSE": "1", "XIECHA_LIMITS_BURST": "many"], arguments: ["--set", "weather=fine"])
  }

  @Test func brokenYAMLIsNamedWithItsLine() throws {
    let line = try replace("language: zh-CN", "language: [zh-CN", in: file)
    // A list that is not closed is noticed where the next key follows.
    let result = try state.run(["check"])
    #expect(result.status == 2 && result.stderr.contains("\(file):"), "\(result.stderr)")
    let told = result.stderr.split(separator: ":").compactMap { Int($0) }.first
    #expect((line...(line + 4)).contains(told ?? 0), "\(result.stderr)")
    try expectRefused(["not valid YAML"])
  }

  @Test func missingFiles() throws {
    try state.setConfig("tls.certificate", to: "/nowhere/cert.pem")
    try expectRefused(["tls.certificate: /nowhere/cert.pem cannot be read"])
    try state.setConfig("tls.privateKey", to: "/nowhere/key.pem")
    try expectRefused([
      "tls.certificate: /nowhere/cert.pem cannot be read", "tls.privateKey: /nowhere/key.pem cannot be read",
    ])
    try FileManager.default.removeItem(atPath: file)
    try expectRefused(["\(file): 无法读取：没有这一文件", "cannot be read: there is no such file", "xiecha init"])
  }

  @Test(arguments: [
    ("  workingDays: 5", "  workingDays: 0", "workingDays must be a whole number from 1 to"),
    ("ladder: [T-2, T-1, T, T+1]", "ladder: [T-1, T-2]", "a rung of the ladder"),
    ("clock:", "clocks:", "there is no key clocks here"),
    ("{id: partly,", "{id: confirmed,", "confirmed occurs twice"),
    ("  en: Assisted verification", "  fr: Vérification", "there is no key fr here"),
  ])
  func badProcedures(_ old: String, _ new: String, _ words: String) throws {
    let line = try replace(old, new, in: procedure)
    try expectRefused(["\(procedure):\(line): ", words])
  }

  @Test func proceduresThatAreBrokenDoubledOrAbsent() throws {
    let copy = state.path + "/procedures/z.yaml"
    try FileManager.default.copyItem(atPath: procedure, toPath: copy)
    try expectRefused([copy, "the id verification is taken by another file"])
    try "id: [\n".write(toFile: copy, atomically: false, encoding: .utf8)
    try expectRefused(["\(copy):", "not valid YAML"])
    let directory = state.path + "/procedures/"
    for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
      try FileManager.default.removeItem(atPath: directory + name)
    }
    try expectRefused([state.path + "/procedures: ", "no procedure (*.yaml) was found here"])
  }

  @Test func environmentAndFlagsAreNamedToo() throws {
    try expectRefused(
      ["environment XIECHA_LIMITS_BODY_BYTES", "limits.bodyBytes must be"],
      environment: ["XIECHA_LIMITS_BODY_BYTES": "lots"])
    try expectRefused(["--set limits.burst", "must be"], arguments: ["--set", "limits.burst=-1"])
    try expectRefused(["--set burst=1", "did you mean limits.burst?"], arguments: ["--set", "burst=1"])
    try expectRefused(["key=value was expected"], arguments: ["--set", "limits.burst"])
  }

  /// The file, then the environment, then the flags.
  @Test func environmentAndFlagsOverrideTheFile() throws {
    let full = try StateDirectory(config: ["limits.bodyBytes": "8192"])
    func status(_ bytes: Int, _ environment: [String: String], _ arguments: [String]) throws -> Int {
      let daemon = try Daemon(state: full, extraArguments: arguments, environment: environment)
      let body = marriageRequest(extra: ["reason": .string(String(repeating: "x", count: bytes))])
      return try daemon.client(.requester).call("POST", "/v1/requests", json: body).status
    }
    let environment = ["XIECHA_LIMITS_BODY_BYTES": "2048"]
    #expect(try status(1_500, [:], []) == 201)
    #expect(try status(1_500, environment, []) == 413)
    #expect(try status(1_500, environment, ["--set", "limits.bodyBytes=4096"]) == 201)
    #expect(try status(3_900, environment, ["--set", "limits.bodyBytes=4096"]) == 413)
    #expect(try runTool(["verify"], environment: ["XIECHA_STATE_DIR": full.path]).status == 0)
  }
}
