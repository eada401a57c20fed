internal import BrokerDomain

/// Reads a reference file against what is in the directory already, and names every bad row.
struct ReferenceFile {
  let table: CSVTable
  private(set) var faults: [ImportFault] = []
  private var used: Set<Int> = []

  init(_ bytes: [UInt8]) throws(ImportError) {
    do {
      table = try CSVTable(bytes)
    } catch {
      throw .rows([ImportFault(line: error.line, error.detail)])
    }
    if let fault = Self.encodingFault(table) { throw .rows([fault]) }
  }

  var ignoredColumns: [String] {
    table.header.indices.filter { !used.contains($0) }.map { table.header[$0] }
  }

  mutating func batch(_ kind: ReferenceKind, _ reference: Reference) throws(ImportError) -> ImportBatch {
    let batch: ImportBatch
    do throws(CSVTable.Fault) {
      batch =
        switch kind {
        case .organs: try organs(reference)
        case .items: try items(reference)
        case .assistanceList: .entries(try entries(reference))
        case .calendar: .days(try days())
        }
    } catch {
      throw .rows([ImportFault(line: error.line, error.detail)])
    }
    checkCells()
    for (index, name) in table.header.enumerated() where !name.isEmpty && table.header[..<index].contains(name) {
      fault(1, Phrase("列“\(name)”重复，请只留一列", "the column \"\(name)\" occurs twice; leave one of them"))
    }
    if table.rows.isEmpty { fault(1, Phrase("文件没有数据行", "the file has no rows")) }
    guard faults.isEmpty else { throw .rows(faults) }
    return batch
  }

  mutating func fault(_ line: Int, _ detail: Phrase) {
    faults.append(ImportFault(line: line, detail))
  }

  mutating func column(_ names: [String], required: Bool = true) throws(CSVTable.Fault) -> Int? {
    guard let index = table.header.firstIndex(where: { names.contains($0) }) else {
      if required {
        throw CSVTable.Fault(line: 1, "缺少列“\(names[0])”", "the column \"\(names[0])\" is missing")
      }
      return nil
    }
    used.insert(index)
    return index
  }

  /// The field, trimmed; a missing required one is a fault.
  mutating func field(_ row: CSVTable.Row, _ column: Int?, required: Bool = true) -> String? {
    guard let column else { return nil }
    let text = column < row.fields.count ? row.fields[column].trimmingSpaces() : ""
    if text.isEmpty {
      if required {
        fault(row.line, Phrase("“\(table.header[column])”为空", "\"\(table.header[column])\" is empty"))
      }
      return nil
    }
    return text
  }

  private mutating func code(_ row: CSVTable.Row, _ column: Int?, required: Bool = true) -> OrganCode? {
    guard let text = field(row, column, required: required) else { return nil }
    do {
      return try OrganCode(text)
    } catch {
      fault(row.line, Phrase("\(text)：\(error.zh)", "\(text): \(error.en)"))
      return nil
    }
  }

  /// The cells of columns that no kind of row knows, as a JSON object; called when all columns have been asked for.
  func extra(_ row: CSVTable.Row) -> String {
    let cells = table.header.indices.filter { !used.contains($0) && $0 < row.fields.count && !row.fields[$0].isEmpty }
    guard !cells.isEmpty else { return "{}" }
    var members: [JSON.Member] = []
    // Columns without a name may be many.
    for cell in cells where !members.contains(where: { $0.name == table.header[cell] }) {
      members.append(JSON.Member(table.header[cell], .string(row.fields[cell])))
    }
    return String(decoding: JSON.object(members).bytes, as: UTF8.self)
  }

  /// The file has columns that no kind of row knows; called when all columns have been asked for.
  var hasExtra: Bool { table.header.indices.contains { !used.contains($0) } }

  /// Of a column that the file lacks, an organ that is known keeps what it has.
  private mutating func organs(_ reference: Reference) throws(CSVTable.Fault) -> ImportBatch {
    let (codes, names) = (try column(["code"]), try column(["name"]))
    let (shorts, regions) = (try column(["short_name"], required: false), try column(["region"]))
    let roles = try column(["role", "roles"], required: false)
    let superiors = try column(["superior"], required: false)
    var contacts: [ContactColumns] = []
    for role in OrganContact.Role.allCases {
      if let columns = try contactColumns(role) { contacts.append(columns) }
    }
    var organs: [Kept<Organ>] = []
    var seen: [OrganCode: Int] = [:]
    for row in table.rows {
      let code = code(row, codes)
      let name = self.name(row, names)
      let region = region(row, regions, required: true)
      let known = code.flatMap { reference.organ($0) }
      let parsed = self.roles(row, roles, known: known?.roles ?? [])
      let superior = superiors == nil ? known?.superior : self.code(row, superiors, required: false)
      // A short name that is the name was none.
      let kept = known.flatMap { $0.shortName == $0.name ? nil : $0.shortName }
      let short = shorts == nil ? kept : self.name(row, shorts, required: false)
      let people = contacts.compactMap { contact(row, $0) }
      if let code, let first = seen.updateValue(row.line, forKey: code) {
        fault(row.line, Phrase("\(code) 与第\(first)行重复", "\(code) is on line \(first) already"))
      }
      guard let code, let name, let region else { continue }
      organs.append(
        Kept(
          Organ(
            number: 0, code: code, name: name,
            shortName: short ?? name, region: region,
            superior: superior, roles: parsed, contacts: people), extra: extra(row)))
    }
    check(superiors: organs.map(\.value), lines: seen, named: superiors != nil, reference)
    return .organs(organs, contacts: contacts.map(\.role), hasExtra: hasExtra)
  }

  private mutating func items(_ reference: Reference) throws(CSVTable.Fault) -> ImportBatch {
    let known = Dictionary(grouping: reference.items) { [$0.proof, $0.matter] }
    let codes = try column(["seq", "code"])
    let (proofs, matters) = (try column(["proof_item", "proof"]), try column(["admin_matter", "matter"]))
    let departments = [
      try column(["province_dept"], required: false),
      try column(["prefecture_dept", "nantong_dept"], required: false),
      try column(["county_dept", "qidong_dept", "department"], required: false),
    ]
    let rules = try ruleColumns()
    var items: [Kept<Item>] = []
    var codesSeen: [String: Int] = [:]
    var pairs: [[String]: [(line: Int, item: Item)]] = [:]
    for row in table.rows {
      let (code, proof, matter) = (field(row, codes), field(row, proofs), field(row, matters))
      let read = self.rules(row, rules)
      if let code, let first = codesSeen.updateValue(row.line, forKey: code) {
        fault(row.line, Phrase("编号 \(code) 与第\(first)行重复", "the code \(code) is on line \(first) already"))
      }
      guard let code, let proof, let matter else { continue }
      let item = Item(
        code: code, proof: proof, matter: matter,
        departments: departments.map { line(row, $0) ?? "" }, method: read.method,
        methodBasis: read.basis, exclusion: read.exclusion, isPublic: read.isPublic, agentAllowed: read.agentAllowed,
        region: rules.region == nil ? reference.item(code)?.region : read.region)
      let isOwn = rules.region != nil && read.region == reference.item(code)?.region
      check(takeover: item, sayingSo: isOwn, row.line, reference)
      if let first = pairs[[proof, matter]]?.first(where: { $0.item.clashes(with: item) })?.line {
        fault(
          row.line,
          Phrase("（\(proof)，\(matter)）与第\(first)行重复", "(\(proof), \(matter)) is on line \(first) already"))
      }
      pairs[[proof, matter], default: []].append((row.line, item))
      items.append(Kept(item, extra: extra(row)))
    }
    // Held against the items that the file does not change; it may move the others as it likes.
    for (line, item) in pairs.values.joined().sorted(by: { $0.line < $1.line }) {
      let same = known[[item.proof, item.matter]] ?? []
      guard let other = same.first(where: { codesSeen[$0.code] == nil && $0.clashes(with: item) })?.code else {
        continue
      }
      fault(
        line,
        Phrase("（\(item.proof)，\(item.matter)）已是编号\(other)", "(\(item.proof), \(item.matter)) is item \(other) already")
      )
    }
    var missing = rules.missing
    if departments.allSatisfy({ $0 == nil }) { missing.insert(.departments) }
    if !hasExtra { missing.insert(.extra) }
    return .items(items, missing: missing)
  }

  private mutating func entries(_ reference: Reference) throws(CSVTable.Fault) -> [Kept<AssistanceEntry>] {
    let items = try column(["item_seq", "item"])
    let requesters = try column(["requesting_code", "requester"])
    let obligeds = try column(["requested_code", "obliged"])
    let days = try column(["working_days"])
    let proofs = try column(["proof_item", "proof"], required: false)
    let matters = try column(["admin_matter", "matter"], required: false)
    var entries: [Kept<AssistanceEntry>] = []
    var seen: [[String]: Int] = [:]
    for row in table.rows {
      let (code, requester, obliged) = (field(row, items), code(row, requesters), self.code(row, obligeds))
      let daysText = field(row, days)
      let count = daysText.flatMap { Int($0) }
      if let daysText, count.map({ (1...Procedure.maximumDays).contains($0) }) != true {
        fault(
          row.line,
          Phrase(
            "工作日数“\(daysText)”应为1至\(Procedure.maximumDays)",
            "the working days \"\(daysText)\" must be 1 to \(Procedure.maximumDays)"))
      }
      if let code { check(row, code, proofs, matters, reference) }
      for organ in [requester, obliged].compactMap({ $0 }) where reference.organ(organ) == nil {
        fault(row.line, Phrase("机关目录中没有 \(organ)", "the directory has no organ \(organ)"))
      }
      if let code, let requester, let first = seen.updateValue(row.line, forKey: [code, requester.description]) {
        fault(row.line, Phrase("同一事项、同一请求机关在第\(first)行已有", "this item and requester are on line \(first) already"))
      }
      guard let code, let requester, let obliged, let count else { continue }
      if requester == obliged {
        fault(row.line, Phrase("请求机关与协助机关相同", "an organ cannot be obliged to itself"))
      }
      if let region = reference.item(code)?.region, let organ = reference.organ(requester),
        !region.covers(organ.region)
      {
        fault(
          row.line,
          Phrase(
            "编号 \(code) 是\(region)清单中的事项，\(organ.name)不在该地区",
            "item \(code) is of the list of region \(region), to which \(organ.name) does not belong"))
      }
      entries.append(
        Kept(
          AssistanceEntry(item: code, requester: requester, obliged: obliged, workingDays: count), extra: extra(row)))
    }
    return entries
  }

  /// The item exists, and where the file repeats its (proof, matter), they are the item's own.
  private mutating func check(
    _ row: CSVTable.Row, _ code: String, _ proofs: Int?, _ matters: Int?, _ reference: Reference
  ) {
    guard let item = reference.item(code) else {
      return fault(row.line, Phrase("证明事项清单中没有编号 \(code)", "the list of items has no code \(code)"))
    }
    if let proof = field(row, proofs, required: false), proof != item.proof {
      fault(row.line, Phrase("编号 \(code) 的证明名称是“\(item.proof)”", "the proof of item \(code) is \"\(item.proof)\""))
    }
    if let matter = field(row, matters, required: false), matter != item.matter {
      fault(row.line, Phrase("编号 \(code) 的行政事项是“\(item.matter)”", "the matter of item \(code) is \"\(item.matter)\""))
    }
  }

  private mutating func days() throws(CSVTable.Fault) -> [Kept<(region: String, day: AnnouncedDay)>] {
    let (dates, kinds) = (try column(["date"]), try column(["kind"]))
    let festivals = try column(["festival"], required: false)
    let notices = try column(["notice"], required: false)
    let regions = try column(["region"], required: false)
    var days: [Kept<(region: String, day: AnnouncedDay)>] = []
    var seen: [String: Int] = [:]
    for row in table.rows {
      let (dateText, kindText) = (field(row, dates), field(row, kinds))
      let date = dateText.flatMap { CalendarDate($0) }.flatMap { Procedure.Field.years.contains($0.year) ? $0 : nil }
      let kind = kindText.flatMap { AnnouncedDay.Kind(rawValue: $0) }
      if let dateText, date == nil {
        let years = Procedure.Field.years
        fault(
          row.line,
          Phrase(
            "日期“\(dateText)”应为 YYYY-MM-DD（\(years.lowerBound)至\(years.upperBound)年）",
            "the date \"\(dateText)\" must be YYYY-MM-DD, of \(years.lowerBound) to \(years.upperBound)"))
      }
      if let kindText, kind == nil {
        fault(row.line, Phrase("类型“\(kindText)”应为 off 或 work", "the kind \"\(kindText)\" must be off or work"))
      }
      var region: String? = ""
      if let text = field(row, regions, required: false) {
        region = RegionCode.overlayPrefix(text)
        if region == nil {
          fault(row.line, Phrase("地区“\(text)”应为2、4或6位", "the region \"\(text)\" must have 2, 4 or 6 digits"))
        }
      }
      if let date, let region, let first = seen.updateValue(row.line, forKey: "\(region) \(date)") {
        fault(row.line, Phrase("\(date) 与第\(first)行重复", "\(date) is on line \(first) already"))
      }
      guard let date, let kind, let region else { continue }
      days.append(
        Kept(
          (
            region,
            AnnouncedDay(
              date: date, kind: kind, festival: field(row, festivals, required: false) ?? "",
              notice: field(row, notices, required: false) ?? "")
          ), extra: extra(row)))
    }
    return days
  }
}
