extension AssistanceRequest {
  /// What the procedures, the list of items, the assistance list and the directory have against a new request. A body
  /// with other faults is judged by this too, as far as it could be read: whoever sent it learns everything at once.
  /// - Parameters:
  ///   - procedure: nil when it could not be read.
  ///   - routable: false when `to` or `item` is there but could not be read: who would be asked is then unknown, which
  ///     is not the same as nobody.
  package static func routingFaults(
    procedure: String?, item: String?, to: OrganCode?, routable: Bool = true, by requester: OrganCode,
    reference: Reference
  ) -> [Fault] {
    var faults: [Fault] = []
    if let procedure, reference.procedures[procedure] == nil {
      let known = reference.procedures.keys.sorted().joined(separator: ", ")
      faults.append(
        Fault(
          "/procedure", code: "unknown-procedure", "没有程序“\(procedure)”；现有：\(known)",
          "there is no procedure \"\(procedure)\"; known: \(known)"))
    }
    let isOwnDuty = procedure.flatMap { reference.procedures[$0] }?.openers == .itself
    let isListed = item.map { reference.item($0, for: requester) != nil } ?? true
    if let item, !isListed { faults.append(unlisted(item, reference)) }
    if isOwnDuty {
      if let to, to != requester {
        faults.append(
          Fault(
            "/to", code: "not-an-answerer", "本事项由本机关自行办理，不能请求其他机关", "an organ does this by itself and asks nobody else")
        )
      }
    } else if let to {
      faults += responderFaults(to, by: requester, reference: reference)
    } else if routable, isListed, responder(to: nil, item: item, by: requester, reference: reference) == nil {
      faults.append(noRoute(item))
    }
    return faults
  }

  /// The organ that is named, or that the assistance list finds.
  package static func responder(
    procedure: Procedure? = nil, to: OrganCode?, item: String?, by requester: OrganCode, reference: Reference
  ) -> Organ? {
    if procedure?.openers == .itself { return reference.organ(requester) }
    if let to { return reference.organ(to) }
    return item.flatMap { reference.route(item: $0, requester: requester) }.flatMap { reference.organ($0.obliged) }
  }

  private static func responderFaults(_ to: OrganCode, by requester: OrganCode, reference: Reference) -> [Fault] {
    if to == requester {
      return [Fault("/to", code: "same-organ", "不能请求本机关协助", "an organ cannot ask itself for assistance")]
    }
    if reference.organ(to) == nil {
      return [Fault("/to", code: "unknown-organ", "机关目录中没有“\(to)”", "the directory has no organ \"\(to)\"")]
    }
    return []
  }

  /// Not on the list, or on that of another region only: that one holds for its own organs, who alone may ask by it or
  /// have it changed.
  private static func unlisted(_ item: String, _ reference: Reference) -> Fault {
    let rule = reference.itemsVersion.rule(.items)
    let what =
      reference.item(item)?.region.map { region in
        Phrase(
          "编号“\(item)”是行政区划\(region)清单中的事项，本机关所在地区的清单中没有",
          "item \"\(item)\" is of the list of region \(region), and not of your region's")
      } ?? Phrase("证明事项清单中没有编号“\(item)”", "the list of proof items has no item \"\(item)\"")
    return Fault(
      "/item", code: "unknown-item", "\(what.zh)，未列入清单的不适用告知承诺制（\(rule.zh)）",
      "\(what.en), and what is not listed takes no commitment (\(rule.en))")
  }

  private static func noRoute(_ item: String?) -> Fault {
    guard let item else {
      return Fault(
        "/to", code: "no-route", "未指明被请求机关（to），也未指明可据以确定机关的证明事项（item）",
        "name the requested organ (to), or an item from which the assistance list finds it")
    }
    return Fault(
      "/to", code: "no-route", "行政协助事项清单中没有本机关就事项“\(item)”的协助机关，请指明 to",
      "the assistance list names no organ for item \"\(item)\" and your organ: say whom to ask in to")
  }
}
