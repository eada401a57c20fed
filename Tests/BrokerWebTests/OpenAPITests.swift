internal import BrokerDomain
internal import BrokerWeb
internal import Foundation
internal import TestSupport
internal import Testing

/// The published document and the routes that are served say the same.
@Suite(.timeLimit(.minutes(5)))
struct OpenAPITests {
  private struct Operation {
    let name: String
    let path: String
    let json: JSON
    /// Of the path and of the operation, with `$ref` resolved.
    let parameters: [JSON]
  }

  private static let methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"]

  private static func operations(_ document: JSON) -> [Operation] {
    (document["paths"]?.members ?? []).flatMap { path in
      path.value.members.filter { methods.contains($0.name) }.map { method in
        let lists = [path.value["parameters"], method.value["parameters"]]
        return Operation(
          name: "\(method.name.uppercased()) \(path.name)", path: path.name, json: method.value,
          parameters: lists.flatMap { $0?.arrayValue ?? [] }.map { $0.resolved(in: document) })
      }
    }
  }

  @Test func everyRouteIsAnOperationAndNothingElseIs() throws {
    let server = try BareServer.shared.get()
    let operations = Self.operations(server.document).map(\.name)
    let routes = server.routes.map(\.operation)
    #expect(Set(operations) == Set(routes))
    #expect(Set(routes).count == routes.count)
    #expect(operations.count == routes.count)
    #expect(routes.count >= 30)
  }

  @Test func operationIdsAreThereAndUnique() throws {
    let document = try BareServer.shared.get().document
    var ids: [String] = []
    for operation in Self.operations(document) {
      let id = try #require(operation.json["operationId"]?.stringValue, "\(operation.name)")
      ids.append(id)
    }
    for webhook in document["webhooks"]?.members ?? [] {
      ids.append(try #require(webhook.value["post"]?["operationId"]?.stringValue, "\(webhook.name)"))
    }
    #expect(Set(ids).count == ids.count)
  }

  @Test func securityIsWhatTheRouteAsks() throws {
    let server = try BareServer.shared.get()
    #expect(server.document["security"]?.arrayValue?.first?["bearer"] == .array([]))
    let operations = Dictionary(
      uniqueKeysWithValues: Self.operations(server.document).map { ($0.name, $0.json) })
    for route in server.routes {
      let operation = try #require(operations[route.operation], "\(route.operation)")
      #expect(operation["security"] == (route.access == .open ? .array([]) : nil), "\(route.operation)")
      let answers = operation["responses"]?.members.map(\.name) ?? []
      #expect(answers.contains("401") == (route.access != .open), "\(route.operation)")
      #expect(answers.contains { $0.hasPrefix("2") }, "\(route.operation)")
      if route.access == .organ || route.access == .operatorOnly {
        #expect(answers.contains("403"), "\(route.operation)")
      }
    }
  }

  @Test func pathParametersAreDeclared() throws {
    let document = try BareServer.shared.get().document
    for operation in Self.operations(document) {
      let inPath = operation.path.matches(of: /\{([^}]+)\}/).map { String($0.1) }
      let declared = operation.parameters.filter { $0["in"]?.stringValue == "path" }
      #expect(declared.compactMap { $0["name"]?.stringValue } == inPath, "\(operation.name)")
      #expect(declared.allSatisfy { $0["required"]?.boolValue == true }, "\(operation.name)")
    }
  }

  @Test func everyReferenceLeadsSomewhere() throws {
    let document = try BareServer.shared.get().document
    var count = 0
    func visit(_ value: JSON) {
      if case .array(let values) = value { values.forEach(visit) }
      for member in value.members { visit(member.value) }
      guard value["$ref"]?.stringValue != nil else { return }
      count += 1
      #expect(value.resolved(in: document) != .null, "\(value)")
    }
    visit(document)
    #expect(count > 100)
  }

  /// In YAML's `{a: b, c}` the rest of a sentence with a comma becomes a member of its own, with nothing in it.
  @Test func noSentenceIsCutByAComma() throws {
    func visit(_ value: JSON, _ pointer: String) {
      #expect(!value.isNull, "\(pointer)")
      for (index, element) in (value.arrayValue ?? []).enumerated() { visit(element, "\(pointer)/\(index)") }
      // Examples show what is sent, and null is sometimes sent.
      for member in value.members where !["example", "examples"].contains(member.name) {
        visit(member.value, "\(pointer)/\(member.name)")
      }
    }
    visit(try BareServer.shared.get().document, "")
  }

  /// What a schema requires is in its examples.
  @Test func examplesHaveWhatIsRequired() throws {
    let document = try BareServer.shared.get().document
    func required(_ schema: JSON) -> Set<String> {
      let schema = schema.resolved(in: document)
      let own = (schema["required"]?.arrayValue ?? []).compactMap(\.stringValue)
      return (schema["allOf"]?.arrayValue ?? []).reduce(Set(own)) { $0.union(required($1)) }
    }
    var count = 0
    func visit(_ value: JSON) {
      for element in value.arrayValue ?? [] { visit(element) }
      for member in value.members { visit(member.value) }
      guard let schema = value["schema"] else { return }
      let named = (value["examples"]?.members ?? []).map { $0.value.resolved(in: document)["value"] }
      for case .object(let members)? in named + [value["example"]] {
        count += 1
        #expect(required(schema).subtracting(members.map(\.name)) == [], "\(members)")
      }
    }
    visit(document)
    #expect(count > 40, "only \(count)")
  }

  // MARK: Codes

  /// Literals in the places where a code stands: `Problem(.status, "code"`, `self.init(.status, "code"` and `code: "code"`.
  private static func codesInSources() throws -> Set<String> {
    var codes: Set<String> = []
    for text in try Sources.texts("BrokerWeb", "BrokerDomain", "BrokerStore") {
      let statuses = text.matches(of: /(?:Problem|self\.init)\(\s*\.\w+,\s*"([a-z-]+)"/).map(\.1)
      let labels = text.matches(of: /\bcode: (?:String = )?"([a-z-]+)"/).map(\.1)
      // The table of obstacles gives one for each case.
      let cases = text.matches(of: /case \.\w+(?:\([.\w]*\))?: "([a-z-]+)"\n/).map(\.1)
      codes.formUnion((statuses + labels + (text.contains("enum Obstacle") ? cases : [])).map(String.init))
    }
    return codes
  }

  /// The values that the schemas allow for a member `code` of a problem or a fault.
  private static func codesInDocument(_ document: JSON) -> (problems: Set<String>, faults: Set<String>) {
    var problems: Set<String> = []
    func visit(_ value: JSON) {
      if case .array(let values) = value { values.forEach(visit) }
      for member in value.members {
        if member.name == "code" {
          problems.formUnion((member.value["enum"]?.arrayValue ?? []).compactMap(\.stringValue))
          if let one = member.value["const"]?.stringValue { problems.insert(one) }
        }
        // `if` is a condition, no permission.
        if member.name != "if" { visit(member.value) }
      }
    }
    for answer in document["components"]?["responses"]?.members ?? [] { visit(answer.value) }
    let fault = document["components"]?["schemas"]?["Fault"]?["properties"]?["code"]
    return (problems, Set((fault?["enum"]?.arrayValue ?? []).compactMap(\.stringValue)))
  }

  @Test func codesOfTheSourcesAreThoseOfTheDocument() throws {
    let document = try BareServer.shared.get().document
    let published = Self.codesInDocument(document)
    let emitted = try Self.codesInSources()
    #expect(emitted.subtracting(published.problems).sorted() == [])
    #expect(published.problems.subtracting(emitted).sorted() == [])
    #expect(published.faults.isSubset(of: published.problems))
    #expect(emitted.count >= 20)
    for answer in document["components"]?["responses"]?.members ?? [] {
      for content in answer.value["content"]?.members ?? []
      where content.name == "application/problem+json" {
        let examples =
          [content.value["example"]] + (content.value["examples"]?.members ?? []).map { $0.value["value"] }
        for example in examples.compactMap({ $0 }) {
          #expect(published.problems.contains(example["code"]?.stringValue ?? "?"), "\(answer.name)")
          for fault in example["errors"]?.arrayValue ?? [] {
            #expect(published.faults.contains(fault["code"]?.stringValue ?? "?"), "\(answer.name)")
          }
        }
      }
    }
  }
}

extension OpenAPITests {
  /// Of the examples of problems: status → titles.
  static func problemTitles() throws -> [Int: Set<String>] {
    let document = try BareServer.shared.get().document
    var titles: [Int: Set<String>] = [:]
    for answer in document["components"]?["responses"]?.members ?? [] {
      let problem = answer.value["content"]?["application/problem+json"]
      let examples = (problem?["examples"]?.members ?? []).map { $0.value["value"] } + [problem?["example"]]
      for example in examples {
        guard let status = example?["status"]?.intValue, let title = example?["title"]?.stringValue else { continue }
        titles[status, default: []].insert(title)
      }
    }
    return titles
  }

  /// The example of a 算式 is what the daemon says of the same days.
  @Test func theCountedDaysOfTheExample() throws {
    let document = try BareServer.shared.get().document
    let example = try #require(document["components"]?["examples"]?["WorkingDays"]?["value"])
    let counted = try House.client(.requester).get(
      "/v1/working-days?from=2026-11-20T10:00:00%2B08:00&days=5&region=320681")
    #expect(JSONBody(parsing: example.bytes) == counted)
  }

  @Test func vocabulariesAreTheDomains() throws {
    let document = try BareServer.shared.get().document
    func words(_ json: JSON?) -> [String] { (json?["enum"]?.arrayValue ?? []).compactMap(\.stringValue) }
    let schemas = document["components"]?["schemas"]
    #expect(words(schemas?["EventType"]) == EventType.allCases.map(\.rawValue))
    #expect(words(schemas?["State"]) == StateName.allCases.map(\.rawValue))
    #expect(words(schemas?["Verb"]) == Verb.allCases.map(\.rawValue))
    let list = Self.operations(document).first { $0.name == "GET /v1/requests" }
    let state = list?.parameters.first { $0["name"]?.stringValue == "state" }
    #expect(words(state?["schema"]?["items"]) == StateName.allCases.map(\.rawValue))
    #expect(state?["explode"]?.boolValue == false)
  }
}

/// The sources, for checks of what they say.
enum Sources {
  static func texts(_ targets: String...) throws -> [String] {
    var texts: [String] = []
    for target in targets {
      let folder = URL(fileURLWithPath: Binary.packageRoot + "/Sources/" + target)
      let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
      while let file = files?.nextObject() as? URL {
        guard file.pathExtension == "swift" else { continue }
        texts.append(try String(contentsOf: file, encoding: .utf8))
      }
    }
    if texts.isEmpty { throw WaitFault("no sources of \(targets) in \(Binary.packageRoot)") }
    return texts
  }
}
