internal import BrokerDomain

extension ReferenceFile {
  /// Every region counts its items from 1: a file of one must not take over what another one lists under the same number,
  /// and an item that goes to a region must not leave entries of the assistance list that nobody can use any more.
  /// - Parameter sayingSo: the file names the region that the item has already.
  mutating func check(takeover item: Item, sayingSo: Bool, _ line: Int, _ reference: Reference) {
    let code = item.code
    if let old = reference.item(code), let region = old.region {
      // Where the directory has organs of one region only, its list is the only one there is.
      let isOther =
        (old.proof, old.matter) != (item.proof, item.matter) && !sayingSo
        && reference.organs.contains { !region.covers($0.region) }
      let isElsewhere = item.region.map { !region.covers($0) && !$0.covers(region) } ?? false
      if isOther || isElsewhere {
        fault(
          line,
          Phrase(
            "编号 \(code) 已是\(region)清单中的“\(old.proof)”（\(old.matter)）：另一地区的事项请另编号（如加前缀）；确是修改该事项的，"
              + "请在 region 列写明\(region)",
            "the code \(code) is an item of region \(region), \(old.proof) (\(old.matter)): give another region's another "
              + "code, with a prefix for example; to change this one, say \(region) in the column region"))
      }
    }
    guard let region = item.region, reference.item(code)?.region != region else { return }
    for entry in reference.assistance where entry.item == code {
      guard let organ = reference.organ(entry.requester), !region.covers(organ.region) else { continue }
      fault(
        line,
        Phrase(
          "行政协助事项清单中\(organ.name)有编号 \(code) 的协助事项，该机关不在\(region)：请先导入不含此项的行政协助事项清单",
          "the assistance list has an entry of \(organ.name) for item \(code), which is not in region \(region): import an "
            + "assistance list without it first"))
    }
  }
}
