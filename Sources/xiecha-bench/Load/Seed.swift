internal import ArgumentParser
internal import BrokerDomain
internal import BrokerStore

/// How much the database holds before anything is measured.
struct Holding: ParsableArguments {
  @Option(help: "Requests that the database holds before the first round (0–10000000).")
  var rows = 0

  func validate() throws {
    guard (0...10_000_000).contains(rows) else { throw ValidationError("rows 0–10000000") }
  }

  /// For titles and notes.
  var shown: String { rows == 0 ? "empty" : "on \(rows) rows" }
}

/// A state directory with the example's reference data, a key for each organ and so many requests, closed. Every database
/// that is measured begins as a copy of it: filling one takes a minute a million.
struct Seed {
  private let directory: String
  private let keys: [OrganCode: String]

  init(_ workspace: Workspace, share: String?, rows: Int) async throws {
    directory = try workspace.folder("seed")
    let office = try await Office(directory: directory, share: share)
    let samples = office.samples
    keys = office.keys
    try await office.store.fill(rows) { index in
      guard let organ = samples.reference.organ(samples.entry(index).requester) else {
        preconditionFailure("unknown organ")
      }
      return (organ, samples.submission(index))
    }
    office.store.close()
  }

  func open(_ workspace: Workspace, as name: String, options: StoreOptions = StoreOptions()) throws -> Office {
    try Office(opening: try workspace.copy(directory, as: name), keys: keys, options: options)
  }
}
