internal import BrokerDomain
internal import BrokerStore

extension StoreError {
  /// What a command says of it: Chinese first, and what to do. The log keeps to `description`.
  var words: String {
    let zh: String
    var en = description
    switch self {
    case .missing(let file):
      zh = "\(file) 不存在；请恢复备份，或以 xiecha init 建立"
      en = "\(file) does not exist; restore a backup, or create one with: xiecha init"
    case .held(let holder):
      zh = "已有服务在用此数据库（\(holder)），请先停止它"
      en += "; stop that one first"
    case .damaged(let file, _):
      let name = file == Self.database ? "数据库" : "\(file) "
      zh = "\(name)已损坏：留存原件，恢复最近的备份，再运行 xiecha verify"
      en += "; keep the file, restore the newest backup, then run xiecha verify"
    case .storage(let text): zh = "磁盘无法写入（\(text)），请检查空间、挂载和权限"
    case .busy(let text): zh = "数据库被其他进程锁住（\(text)），请稍后再试"
    case .notFound:
      zh = "没有这一编号，请用 xiecha outbox list 查看"
      en += "; xiecha outbox list shows what there is"
    // Said in both languages where it was found.
    case .wrongMode: return en
    case .refused, .queueFull, .idempotencyConflict, .closed, .unexpected: zh = "未能完成"
    }
    return "\(zh) / \(en)"
  }
}
