internal import ArgumentParser
internal import BrokerDomain
internal import Foundation

struct Demo: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "演示：以启东清单走完三件事 / play three cases on the real list of 启东, over real HTTP",
    discussion: """
      Starts a daemon of its own and a small callback receiver, plays the cases and keeps serving until Ctrl-C.
      With --story it plays one story instead, in rehearsal, on data of its own: status 0 when every step came as told,
      else 1. Without a name it lists the stories. 加 --story 演练一个案例；不写名称则列出全部案例。
      Example / 示例:
        xiecha demo --once
        xiecha demo --state-dir ./demo --listen 127.0.0.1:8421
        xiecha demo --story complaint
        xiecha demo --story ./my-story.yaml
      """)

  @Option(name: .customLong("state-dir"), help: "Where to keep the demonstration's data; made when it is not there.")
  var stateDirectory: String?

  @Option(help: "host:port of the API.")
  var listen = "127.0.0.1:0"

  @Flag(help: "End after the story: status 0 when every step came out as it should, else 1.")
  var once = false

  @Flag(name: .customLong("story"), help: "Play the story NAME, or list them. 案例")
  var playsStory = false

  @Argument(help: ArgumentHelp("With --story: the story's name, or a path to a file.", valueName: "name"))
  var story: String?

  func validate() throws {
    if let story, !playsStory {
      throw ValidationError(
        "多余的参数“\(story)”，是否应为 --story \(story) / unexpected \(story); did you mean --story \(story)?")
    }
    if playsStory, once || stateDirectory != nil {
      throw ValidationError(
        "--story 自备数据并自行结束，请去掉 --once 和 --state-dir / it has data of its own: leave --once and --state-dir out")
    }
  }

  func run() async throws {
    guard !playsStory else { return try await Stage.run(story) }
    let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("xiecha-demo-\(getpid())").path
    let directory = stateDirectory ?? scratch + "/state"
    defer { try? FileManager.default.removeItem(atPath: scratch) }

    print("协查 Xiecha　协助核查消息代理 · 演示\nassisted verification between organs, a demonstration\n")
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
    let receiver = try await Receiver.start()
    let daemon = try await DemoDaemon.start(directory: directory, listen: listen, rehearseAt: nil)
    defer { daemon.stop() }
    Say.fact("状态目录 state", directory)
    Say.fact("接口 API", "\(daemon.url)　（/openapi.json）")
    Say.fact("回调接收 receiver", "\(receiver.url)　（核验签名 verifies signatures）")

    let cases = ThreeCases(daemon: daemon, receiver: receiver)
    try await cases.answered()
    try await cases.declined()
    let rehearsal = try await DemoDaemon.start(
      directory: scratch + "/rehearsal", listen: "127.0.0.1:0", rehearseAt: "2026-02-13T17:45:00+08:00")
    defer { rehearsal.stop() }
    try await ThreeCases(daemon: rehearsal, receiver: receiver).escalated()
    rehearsal.stop()

    print("\n三件事均如期完成 / all three came out as they should\n")
    printHowToCall(daemon, directory)
    guard !once else { return }
    print("\n服务继续运行，按 Ctrl-C 结束 / serving until Ctrl-C")
    try await daemon.waitUntilInterrupted()
  }

  private func printHowToCall(_ daemon: DemoDaemon, _ directory: String) {
    guard !once else { return Say.fact("命令 next", "xiecha init · xiecha serve · xiecha --help") }
    let code = ThreeCases.requester
    print(
      """
      自己调用 / call it yourself:
        KEY=$(python3 -c 'import json; print(json.load(open("\(directory)/keys.json"))["organs"]["\(code)"])')
        curl -H "Authorization: Bearer $KEY" \(daemon.url)/v1/requests?role=requester
        curl -H "Authorization: Bearer $KEY" \(daemon.url)/v1/events
        curl \(daemon.url)/metrics
      """)
  }
}

/// How the story is told.
enum Say {
  static func chapter(_ number: String, _ zh: String, _ en: String) { print("\n\(number)、\(zh)\n    \(en)") }

  static func step(_ mark: String, _ zh: String, _ en: String) { print("  \(mark)  \(zh)\n      \(en)") }

  static func detail(_ text: String) { print("      \(text)") }

  static func fact(_ name: String, _ text: String) {
    // Chinese characters take two columns on a terminal.
    let width = name.unicodeScalars.reduce(0) { $0 + ($1.value > 0x2E80 ? 2 : 1) }
    print("  \(name)\(String(repeating: " ", count: max(1, 20 - width)))\(text)")
  }
}
