internal import ArgumentParser
internal import BrokerDomain
internal import Foundation

/// Where stories are found and played.
enum Stage {
  /// Plays the story of this name or path in a process, a directory and a clock of its own; without one, lists all.
  static func run(_ name: String?) async throws {
    guard let name else { return print(try list()) }
    let story = try find(name)
    let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("xiecha-story-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    Tell.title(story)
    let receiver = try await Receiver.start()
    let daemon = try await DemoDaemon.start(
      directory: scratch, listen: "127.0.0.1:0", rehearseAt: story.startsAt.rfc3339, example: story.example)
    defer { daemon.stop() }
    var player = try await StoryPlayer(story, daemon: daemon, receiver: receiver)
    try await player.play()
    Tell.end(story)
  }

  /// A name, or a path to a file.
  private static func find(_ name: String) throws -> Story {
    if name.contains("/") || name.hasSuffix(".yaml") { return try StoryReader.load(file: name) }
    let file = try directory() + "/\(name).yaml"
    guard FileManager.default.fileExists(atPath: file) else {
      throw ValidationError("没有案例“\(name)” / there is no story \(name)\n\(try list())")
    }
    return try StoryReader.load(file: file)
  }

  private static func list() throws(ConfigurationFault) -> String {
    let directory = try directory()
    var lines = ["案例 / stories:"]
    for name in ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
    where name.hasSuffix(".yaml") {
      let story = try StoryReader.load(file: directory + "/" + name)
      lines.append("  \(story.id)\n      \(story.title.zh)\n      \(story.title.en)")
    }
    return lines.joined(separator: "\n")
  }

  /// Beside the procedures in an installation; among the tests, which play every one of them, in a checkout.
  private static func directory() throws(ConfigurationFault) -> String {
    let share = try ShareDirectory.locate()
    let candidates = [share + "/stories", share + "/../Tests/EndToEnd/stories"]
    for candidate in candidates where FileManager.default.fileExists(atPath: candidate) {
      return URL(fileURLWithPath: candidate).standardizedFileURL.path
    }
    throw ConfigurationFault(place: share, "此处没有案例目录 stories/", "the stories were not found here, in stories/")
  }
}
