internal import Foundation
internal import Testing

/// What is said of a fault: in Chinese first, then in English with these words.
func expectBoth(_ said: String, _ words: String, _ place: SourceLocation = #_sourceLocation) {
  #expect(said.contains(words), "\(words) not in: \(said)", sourceLocation: place)
  let end = said.range(of: " / ")?.lowerBound ?? said.startIndex
  let isChinese = said[..<end].unicodeScalars.contains { (0x4E00...0x9FFF).contains($0.value) }
  #expect(isChinese, "in Chinese first: \(said)", sourceLocation: place)
}
