internal import BrokerDomain

/// What a file of items has no columns for: a known item keeps it, a new one gets the default.
struct MissingColumns: OptionSet {
  let rawValue: Int
  static let departments = MissingColumns(rawValue: 1)
  static let method = MissingColumns(rawValue: 2)
  static let basis = MissingColumns(rawValue: 4)
  static let exclusion = MissingColumns(rawValue: 8)
  static let isPublic = MissingColumns(rawValue: 16)
  static let agentAllowed = MissingColumns(rawValue: 32)
  static let extra = MissingColumns(rawValue: 64)
  static let region = MissingColumns(rawValue: 128)

  func filled(_ row: Kept<Item>, from known: Kept<Item>) -> Kept<Item> {
    var item = row.value
    if contains(.departments) { item.departments = known.value.departments }
    if contains(.method) { item.method = known.value.method }
    if contains(.basis) { item.methodBasis = known.value.methodBasis }
    if contains(.exclusion) { item.exclusion = known.value.exclusion }
    if contains(.isPublic) { item.isPublic = known.value.isPublic }
    if contains(.agentAllowed) { item.agentAllowed = known.value.agentAllowed }
    if contains(.region) { item.region = known.value.region }
    return Kept(item, extra: contains(.extra) ? known.extra : row.extra)
  }
}

/// The columns of an item's rules.
struct RuleColumns {
  let method: Int?
  let basis: Int?
  let exclusion: Int?
  let isPublic: Int?
  let agentAllowed: Int?
  let region: Int?

  var missing: MissingColumns {
    var missing: MissingColumns = []
    if method == nil { missing.insert(.method) }
    if basis == nil { missing.insert(.basis) }
    if exclusion == nil { missing.insert(.exclusion) }
    if isPublic == nil { missing.insert(.isPublic) }
    if agentAllowed == nil { missing.insert(.agentAllowed) }
    if region == nil { missing.insert(.region) }
    return missing
  }
}

/// The columns of one contact of an organ.
struct ContactColumns {
  let role: OrganContact.Role
  let name: Int
  let phone: Int?
  let substitute: Int?
  let substitutePhone: Int?
}

extension ReferenceFile {
  struct Rules {
    let method: Item.Method
    let basis: String?
    let exclusion: String?
    let isPublic: Bool
    let agentAllowed: Bool
    let region: RegionCode?
  }

  mutating func ruleColumns() throws(CSVTable.Fault) -> RuleColumns {
    RuleColumns(
      method: try column(["method"], required: false), basis: try column(["method_basis"], required: false),
      exclusion: try column(["excluded"], required: false), isPublic: try column(["public"], required: false),
      agentAllowed: try column(["agent_allowed"], required: false),
      region: try column(["region"], required: false))
  }

  mutating func rules(_ row: CSVTable.Row, _ columns: RuleColumns) -> Rules {
    var method = Item.Method.assistance
    if let text = field(row, columns.method, required: false) {
      if let known = Item.Method(rawValue: text) {
        method = known
      } else {
        let known = Item.Method.allCases.map(\.rawValue).joined(separator: ", ")
        fault(row.line, Phrase("核查方式“\(text)”应为 \(known)", "the method \"\(text)\" must be one of \(known)"))
      }
    }
    let exclusion = field(row, columns.exclusion, required: false)
    if let exclusion, !Item.namesARule(exclusion) {
      fault(
        row.line,
        Phrase(
          "excluded 应写明所据规定，不排除的留空，不是“\(exclusion)”",
          "excluded names the rule that excludes the item, or is empty; it is not \"\(exclusion)\""))
    }
    return Rules(
      method: method, basis: field(row, columns.basis, required: false), exclusion: exclusion,
      isPublic: flag(row, columns.isPublic), agentAllowed: flag(row, columns.agentAllowed),
      region: region(row, columns.region))
  }

  /// Of an organ: a member where nothing is said.
  /// - Parameter known: what it has, where the file has no column for it.
  mutating func roles(_ row: CSVTable.Row, _ column: Int?, known: [Organ.Role]) -> [Organ.Role] {
    if column == nil, !known.isEmpty { return known }
    let named = field(row, column, required: false) ?? Organ.Role.member.rawValue
    let words = named.split { " ;|".contains($0) }
    if words.isEmpty { fault(row.line, Phrase("角色“\(named)”中没有角色", "\"\(named)\" names no role")) }
    return words.compactMap { text in
      if let role = Organ.Role(rawValue: String(text)) { return role }
      let roles = Organ.Role.allCases.map(\.rawValue).joined(separator: ", ")
      fault(row.line, Phrase("角色“\(text)”应为 \(roles)", "the role \"\(text)\" must be one of \(roles)"))
      return nil
    }
  }

  mutating func region(_ row: CSVTable.Row, _ column: Int?, required: Bool = false) -> RegionCode? {
    guard let text = field(row, column, required: required) else { return nil }
    let region = RegionCode(text)
    if region == nil {
      fault(row.line, Phrase("地区“\(text)”应为6位行政区划代码", "the region \"\(text)\" must be six digits (GB/T 2260)"))
    }
    return region
  }

  /// `yes` where nothing is said.
  private mutating func flag(_ row: CSVTable.Row, _ column: Int?) -> Bool {
    guard let column, let text = field(row, column, required: false) else { return true }
    guard ["yes", "no"].contains(text) else {
      let name = table.header[column]
      fault(row.line, Phrase("\(name)“\(text)”应为 yes 或 no", "\(name) is yes or no, not \"\(text)\""))
      return true
    }
    return text == "yes"
  }

  /// Nobody is above itself, in one step or in several, and who is above an organ is in the directory or in the file.
  /// - Parameters:
  ///   - lines: of all codes in the file, also of rows that cannot be read otherwise.
  ///   - named: the file has a column of superiors.
  mutating func check(
    superiors organs: [Organ], lines: [OrganCode: Int], named: Bool, _ reference: Reference
  ) {
    guard named else { return }
    let above = Dictionary(organs.map { ($0.code, $0.superior) }) { first, _ in first }
    for organ in organs {
      guard let superior = organ.superior else { continue }
      let line = lines[organ.code] ?? 1
      if superior == organ.code {
        fault(line, Phrase("\(superior) 不能是自己的上级机关", "\(superior) cannot be its own superior"))
      } else if lines[superior] == nil, reference.organ(superior) == nil {
        fault(
          line,
          Phrase(
            "机关目录和本文件中都没有上级机关 \(superior)",
            "neither the directory nor this file has the superior \(superior)"))
      } else if Reference.isAboveItself(
        organ.code, superior: { above[$0] ?? (lines[$0] == nil ? reference.organ($0)?.superior : nil) })
      {
        fault(
          line,
          Phrase(
            "上级关系成环：从 \(superior) 逐级向上又回到 \(organ.code)",
            "the superiors go round in a circle: from \(superior) upwards one comes back to \(organ.code)"))
      }
    }
  }

  /// Nil when the file says nothing of this contact.
  mutating func contactColumns(_ role: OrganContact.Role) throws(CSVTable.Fault) -> ContactColumns? {
    let names = ContactColumns.names(role)
    let others = try names.dropFirst().map { name throws(CSVTable.Fault) in try column([name], required: false) }
    guard let name = try column([names[0]], required: others.contains { $0 != nil }) else { return nil }
    return ContactColumns(
      role: role, name: name, phone: others[0], substitute: others[1], substitutePhone: others[2])
  }

  /// Nil of an organ that names nobody.
  mutating func contact(_ row: CSVTable.Row, _ columns: ContactColumns) -> OrganContact? {
    let name = person(row, columns.name)
    let phone = self.phone(row, columns.phone)
    let substitute = person(row, columns.substitute)
    let substitutePhone = self.phone(row, columns.substitutePhone)
    let names = ContactColumns.names(columns.role)
    if name == nil, phone != nil || substitute != nil {
      fault(
        row.line, Phrase("填写了联系方式或替代人，\(names[0]) 不能为空", "\(names[0]) is empty, but a phone or a substitute is named"))
    }
    if substitute == nil, substitutePhone != nil {
      fault(row.line, Phrase("\(names[3]) 没有对应的 \(names[2])", "there is a \(names[3]) but no \(names[2])"))
    }
    return name.map {
      OrganContact(
        role: columns.role, name: $0, phone: phone, substituteName: substitute, substitutePhone: substitutePhone)
    }
  }

  private mutating func person(_ row: CSVTable.Row, _ column: Int?) -> String? {
    guard let text = field(row, column, required: false) else { return nil }
    if text.unicodeScalars.count > 50 {
      fault(row.line, Phrase("姓名最多50个字符", "a name has at most 50 characters"))
    }
    return text
  }

  private mutating func phone(_ row: CSVTable.Row, _ column: Int?) -> String? {
    guard let text = field(row, column, required: false) else { return nil }
    let isPhone = (3...30).contains(text.utf8.count) && text.utf8.allSatisfy { "0123456789+-() 转".utf8.contains($0) }
    if !isPhone || !text.contains(where: \.isNumber) {
      fault(row.line, Phrase("电话“\(text)”应由数字、+、-、括号组成", "the phone \"\(text)\" is made of digits, +, - and brackets"))
    }
    return text
  }
}

extension ContactColumns {
  /// Name, phone, substitute, the substitute's phone.
  static func names(_ role: OrganContact.Role) -> [String] {
    let role = role.rawValue
    return ["\(role)_name", "\(role)_phone", "\(role)_substitute", "\(role)_substitute_phone"]
  }
}
