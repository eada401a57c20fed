internal import ArgumentParser
internal import BrokerDomain
internal import BrokerStore
internal import Foundation

struct Key: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "密钥：签发、列出、吊销 / issue, list and revoke keys",
    discussion: """
      Example / 示例:
        xiecha key create --organ 11320681014260292T --state-dir ./state
        xiecha key revoke 3 --state-dir ./state
      """,
    subcommands: [Create.self, List.self, Revoke.self, RenewDataKey.self])

  func run() throws {
    throw ValidationError(
      "请写明 create、list、revoke 或 renew-data / name one of create, list, revoke and renew-data")
  }

  struct Create: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "签发密钥，只显示一次 / issue a key; it is shown once",
      discussion: "Example / 示例:\n  xiecha key create --organ 11320681014260292T --state-dir ./state")

    @Option(help: "The organ's 18-character code. 统一社会信用代码")
    var organ: String?

    @Flag(name: .customLong("operator"), help: "A key of the operator. 运行人员")
    var isOperator = false

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var state: StateDirectory

    func run() throws {
      guard (organ == nil) == isOperator else {
        throw ValidationError("请写明 --organ CODE 或者 --operator，二者取一 / name either --organ CODE or --operator")
      }
      let store = try state.openForCommand()
      defer { store.close() }
      var number: Int64?
      if let organ {
        let code: OrganCode
        do {
          code = try OrganCode(organ)
        } catch {
          throw ValidationError("\(organ): \(error.zh) / \(error.en)")
        }
        guard let found = store.reference.organ(code) else {
          throw ValidationError("机关目录中没有 \(code)，请先导入 / the directory has no organ \(code); import it first")
        }
        number = found.number
      }
      // A reader that is gone is told like a disk that is full, instead of ending us before the key is taken back.
      signal(SIGPIPE, SIG_IGN)
      let (key, id) = try store.createKey(organ: number)
      do {
        show(key, id)
        try Output.flush()
      } catch {
        let isRevoked = (try? store.revokeKey(id)) == true
        throw Failure(
          text: error.text
            + (isRevoked
              ? "；密钥 \(id) 没有送出，已吊销，请重新签发 / key \(id) went nowhere and is revoked; issue another"
              : "；密钥 \(id) 没有送出，请吊销：xiecha key revoke \(id) / key \(id) went nowhere; revoke it"))
      }
      if !json { warn("密钥 \(id)，只显示这一次 / key \(id), shown this once") }
      confirm(store)
    }

    private func show(_ key: String, _ id: Int64) {
      if json {
        var w = JSONWriter()
        w.object { w in
          w.int("id", id)
          w.string("organ", organ)
          w.string("key", key)
        }
        print(w.text)
      } else {
        print(key)
      }
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "列出密钥 / list keys", discussion: "Example / 示例:\n  xiecha key list --state-dir ./state --json")

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var state: StateDirectory

    func run() throws {
      let store = try state.openForCommand()
      defer { store.close() }
      let keys = try store.keys()
      if json {
        var w = JSONWriter()
        w.array { w in
          for key in keys {
            w.object { w in
              w.int("id", key.id)
              w.string("organ", key.organ.flatMap { store.reference.organ(number: $0)?.code.description })
              w.bool("operator", key.organ == nil)
              w.string("createdAt", key.createdAt.rfc3339)
              w.string("revokedAt", key.revokedAt?.rfc3339)
            }
          }
        }
        return print(w.text)
      }
      for key in keys {
        let organ = key.organ.flatMap { store.reference.organ(number: $0) }
        let holder = organ.map { "\($0.code) \($0.name)" } ?? "operator 运行人员"
        print(
          "\(key.id)\t\(holder)\t\(key.createdAt.rfc3339)\t\(key.revokedAt.map { "revoked 已吊销 \($0.rfc3339)" } ?? "active")"
        )
      }
    }
  }

  struct Revoke: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "吊销密钥 / revoke a key", discussion: "Example / 示例:\n  xiecha key revoke 3 --state-dir ./state")

    @Argument(help: "The key's number, from: xiecha key list")
    var id: Int64

    @OptionGroup var state: StateDirectory

    func run() throws {
      let store = try state.openForCommand()
      defer { store.close() }
      guard try store.revokeKey(id) else {
        throw Failure(
          text: "没有有效的密钥 \(id)，请用 xiecha key list 查看 / there is no active key \(id); xiecha key list shows them")
      }
      print("已吊销密钥 \(id) / revoked key \(id)")
      if !(try store.keys().contains { $0.organ == nil && $0.revokedAt == nil }) {
        warn(
          "已没有有效的运行人员密钥，请签发：xiecha key create --operator / no active key of an operator is left: "
            + "xiecha key create --operator")
      }
      confirm(store)
    }
  }
}
