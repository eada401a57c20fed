internal import GRDB
internal import Synchronization

/// Reads one row by its key, or a short page, on the calling thread. Such a read takes some ten microseconds; to hand it to
/// another thread, and its answer back, takes many times that. A few connections of their own, so that no long list is ever
/// waited for: who finds none free asks there where lists are read.
final class PointReader: Sendable {
  private struct State {
    var free: [DatabaseQueue] = []
    var made = 0
    var isClosed = false
  }

  /// As many as threads that serve HTTP on a small machine, and who pushes; more would only be idle.
  private static let most = 4

  private let path: String
  private let state = Mutex(State())

  init(path: String) { self.path = path }

  /// - Returns: nil when others are to be asked: none is free, or this one could not read.
  func read<T>(_ body: (Database) throws -> T) -> T? {
    guard let connection = take() else { return nil }
    defer { give(connection) }
    return try? connection.unsafeRead(body)
  }

  /// The same for several statements, which all see what was committed at one moment.
  func readTogether<T>(_ body: (Database) throws -> T) -> T? {
    read { db in try db.reading(body) }
  }

  func close() {
    let free = state.withLock { state in
      state.isClosed = true
      defer { state.free = [] }
      return state.free
    }
    for connection in free { try? connection.close() }
  }

  private func take() -> DatabaseQueue? {
    let (found, mayMake) = state.withLock { state -> (DatabaseQueue?, Bool) in
      guard !state.isClosed else { return (nil, false) }
      if let free = state.free.popLast() { return (free, false) }
      guard state.made < Self.most else { return (nil, false) }
      state.made += 1
      return (nil, true)
    }
    guard mayMake else { return found }
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .immediateError
    configuration.prepareDatabase { db in try db.execute(sql: "PRAGMA cache_size = -\(StoreOptions.readerCacheKiB)") }
    guard let made = try? DatabaseQueue(path: path, configuration: configuration) else {
      state.withLock { $0.made -= 1 }
      return nil
    }
    return made
  }

  private func give(_ connection: DatabaseQueue) {
    let isClosed = state.withLock { state in
      if !state.isClosed { state.free.append(connection) }
      return state.isClosed
    }
    if isClosed { try? connection.close() }
  }
}
