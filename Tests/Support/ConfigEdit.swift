/// Sets single keys in block-style YAML by line, leaving comments and order as they are.
enum ConfigEdit {
  /// - Parameter key: dotted, as in `callbacks.allowHTTP`. A key not in the text is added at the
  ///   end of its deepest parent that is; whether it means anything is for the daemon to say.
  /// - Throws: `ToolFault` when a parent has a value on its own line.
  static func set(_ key: String, to value: String, in text: String) throws -> String {
    let path = key.split(separator: ".").map(String.init)
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if lines.last == "" { lines.removeLast() }
    var range = lines.indices.startIndex..<lines.count
    var indent = 0
    for (depth, name) in path.enumerated() {
      guard let found = find(name, in: lines, range, indent: &indent) else {
        lines.insert(
          contentsOf: nested(path[depth...], value, indent: indent), at: range.upperBound)
        break
      }
      let block = found + 1..<endOfBlock(after: found, in: lines, limit: range.upperBound)
      if depth == path.count - 1 {
        let start = String(repeating: " ", count: indent)
        lines.replaceSubrange(found..<block.upperBound, with: ["\(start)\(name): \(value)"])
        break
      }
      let children = lines[block].first { isContent($0) }
      if children == nil {
        let inline = lines[found].dropFirst(indent + name.count + 1).trimmed
        guard inline.isEmpty || inline.hasPrefix("#") || inline.hasPrefix("{}") else {
          throw ToolFault("configuration key \(key): \(name) is \(inline), not a block")
        }
        lines[found] = String(repeating: " ", count: indent) + name + ":"
      }
      indent = children.map(indentation) ?? indent + 2
      range = block
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func find(
    _ name: String, in lines: [String], _ range: Range<Int>, indent: inout Int
  ) -> Int? {
    let column = indent
    return range.first { number in
      let line = lines[number]
      return isContent(line) && indentation(line) == column
        && line.dropFirst(column).hasPrefix("\(name):")
    }
  }

  /// The first line after `number` that is not part of its value; trailing comments are not.
  private static func endOfBlock(after number: Int, in lines: [String], limit: Int) -> Int {
    let column = indentation(lines[number])
    var end = number + 1
    for next in number + 1..<max(limit, number + 1) where isContent(lines[next]) {
      let isListItem = lines[next].dropFirst(column).hasPrefix("- ")
      guard indentation(lines[next]) > column || indentation(lines[next]) == column && isListItem
      else { break }
      end = next + 1
    }
    return end
  }

  private static func nested(_ path: ArraySlice<String>, _ value: String, indent: Int) -> [String] {
    path.enumerated().map { step, name in
      let start = String(repeating: " ", count: indent + 2 * step)
      return start + name + (step == path.count - 1 ? ": \(value)" : ":")
    }
  }

  private static func isContent(_ line: String) -> Bool {
    let text = line.trimmed
    return !text.isEmpty && !text.hasPrefix("#")
  }

  private static func indentation(_ line: String) -> Int { line.prefix { $0 == " " }.count }
}
