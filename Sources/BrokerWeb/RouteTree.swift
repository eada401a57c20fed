/// Finds the routes of a path, segment by segment. What is spelled out goes before a parameter.
struct RouteTree: Sendable {
  private struct Node {
    var spelled: [Substring: Int] = [:]
    var parameter: (name: String, node: Int)?
    var routes: [String: Route] = [:]
  }

  private var nodes = [Node()]

  init(_ routes: [Route]) {
    for route in routes {
      var at = 0
      for segment in route.path.split(separator: "/") { at = grow(at, segment) }
      nodes[at].routes[route.method] = route
    }
  }

  private mutating func grow(_ at: Int, _ segment: Substring) -> Int {
    let isParameter = segment.hasPrefix("{")
    if let known = isParameter ? nodes[at].parameter?.node : nodes[at].spelled[segment] { return known }
    nodes.append(Node())
    if isParameter {
      nodes[at].parameter = (String(segment.dropFirst().dropLast()), nodes.count - 1)
    } else {
      nodes[at].spelled[segment] = nodes.count - 1
    }
    return nodes.count - 1
  }

  /// - Returns: the routes of the path by method, none for a path that the table does not have.
  func find(_ path: String) -> (routes: [String: Route], parameters: [String: String]) {
    var (at, parameters): (Int, [String: String]) = (0, [:])
    for bytes in path.utf8.split(separator: UInt8(ascii: "/")) {
      let segment = Substring(bytes)
      if let next = nodes[at].spelled[segment] {
        at = next
      } else if let (name, next) = nodes[at].parameter {
        parameters[name] = String(segment)
        at = next
      } else {
        return ([:], [:])
      }
    }
    return (nodes[at].routes, parameters)
  }
}
