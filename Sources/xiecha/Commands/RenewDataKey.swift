internal import ArgumentParser
internal import BrokerStore

/// The way out when the data key is lost for good.
struct RenewDataKey: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "renew-data",
    abstract: "数据密钥确已丢失时另建一个 / make a new data key after the old one was lost for good",
    discussion: """
      The secrets and client keys that were sealed under the lost key stay unreadable. Every endpoint is switched off and
      loses its client certificate and authorities; its organ rotates the secret, then switches it on again. What it is
      owed meanwhile is kept. Refused while a daemon runs or DIR/data.key is there.
      Example / 示例:
        xiecha key renew-data --state-dir ./state
      """)

  @OptionGroup var state: StateDirectory

  func run() throws {
    let store = try state.openForCommand()
    defer { store.close() }
    let count = try store.renewDataKey()
    print("已建立新的数据密钥，停用\(count)个回调地址 / a new data key was made; endpoints switched off: \(count)")
  }
}
