internal import BrokerCallbacks
internal import BrokerDomain
internal import BrokerStore
internal import BrokerWeb
internal import Logging
internal import ServiceLifecycle

/// The parts of the daemon as services of one group: each runs until the group shuts down.

struct Keeping: Service {
  let keeper: DeadlineKeeper

  func run() async throws {
    await cancelWhenGracefulShutdown { await keeper.run() }
  }
}

struct Delivering: Service {
  let dispatcher: Dispatcher
  let graceSeconds: Int

  func run() async throws {
    try? await gracefulShutdown()
    await dispatcher.stop(graceSeconds: graceSeconds)
  }
}

/// Takes up what a command changed: reference data and keys. Ten small reads a second, so that a command can wait for it.
struct Refreshing: Service {
  let store: Store
  let logger: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown {
      var pause = LookPause()
      while !Task.isCancelled {
        do {
          if try await store.refresh() { logger.notice("reference data or keys changed; taken up") }
          pause.succeeded()
        } catch {
          pause.failed()
          // A daemon that ends in the middle of a look has nothing to say about it.
          if !Task.isCancelled {
            logger.error("cannot look for changes of reference data: \(error); trying again in \(pause.length)")
          }
        }
        try? await Task.sleep(for: pause.length)
      }
    }
  }
}

/// How long to wait for the next look. One that fails may have read the lists and all open requests, and is not repeated at
/// once; nor is anybody who revokes a key kept waiting for long.
struct LookPause {
  private(set) var length = Self.usual

  private static let usual = Duration.milliseconds(100)
  private static let afterFailure = Duration.seconds(1)...Duration.seconds(2)

  mutating func succeeded() { length = Self.usual }

  mutating func failed() {
    length = min(max(length * 2, Self.afterFailure.lowerBound), Self.afterFailure.upperBound)
  }
}

/// Says at the start, and then once on each day of the broker's clock, that a year's holiday notice should be loaded.
struct Missing: Service {
  let store: Store
  let logger: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown {
      var said: CalendarDate?
      while !Task.isCancelled {
        let today = store.clock.now.date
        if today != said {
          for year in store.missingYears {
            let words = WorkingCalendar.missing(year)
            logger.warning("\(words.zh) / \(words.en)")
          }
          said = today
        }
        try? await Task.sleep(for: .seconds(5))
      }
    }
  }
}

/// Says once a minute from where calls without a valid key have come.
struct TellingOfRefusals: Service {
  let web: WebServer
  let logger: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        try? await Task.sleep(for: .seconds(60))
        if let words = web.takeRefusedCalls() { logger.warning("\(words)") }
      }
    }
  }
}

/// Says that somebody has set the system clock: deadlines go by it, and what it has skipped has been acted on by now.
struct ClockWatching: Service {
  let clock: BrokerClock
  let logger: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown {
      if clock.ahead > BrokerClock.leastStep {
        let (seconds, wall) = (clock.ahead / 1000, BrokerClock.wall.rfc3339)
        logger.warning(
          "数据库中最新的时刻比系统时钟（\(wall)）快 \(seconds) 秒，请核对时钟；本服务的时间半速前行直到追平 / the newest moment in the database is \(seconds) s ahead of the system clock (\(wall)): is that right? The broker's time goes on at half its pace until it has caught up"
        )
      }
      var before: Int64 = 0
      while !Task.isCancelled {
        if let step = clock.step() {
          logger.warning("\(Self.words(step, before: before, ahead: clock.ahead, to: BrokerClock.wall))")
        }
        before = clock.ahead
        try? await Task.sleep(for: .seconds(1))
      }
    }
  }

  /// - Parameters:
  ///   - step: milliseconds by which the clock was set, negative for back.
  ///   - before: milliseconds by which the broker's own time was ahead of it before.
  ///   - ahead: and by which it is ahead now.
  static func words(_ step: Int64, before: Int64, ahead: Int64, to wall: Instant) -> String {
    let (by, seconds) = (abs(step) / 1000, (ahead + 999) / 1000)
    if step > 0, step <= before + BrokerClock.leastStep {
      return
        "系统时钟拨快了 \(by) 秒，现为 \(wall.rfc3339)，此前拨慢的已校正，没有跳过时间 / the system clock was set forward by \(by) s and shows "
        + "\(wall.rfc3339): it had been behind, and no time was skipped"
    }
    if step > 0 {
      return
        "系统时钟拨快了 \(by) 秒，现为 \(wall.rfc3339)：其间届满的期限已按届满处理，请核对时钟 / the system clock was set forward by \(by) s and "
        + "shows \(wall.rfc3339); deadlines in between have passed: is it right?"
    }
    return
      "系统时钟拨慢了 \(by) 秒，现为 \(wall.rfc3339)：本服务的时间比它快 \(seconds) 秒，半速前行直到追平 / the system clock was set back by \(by) s and "
      + "shows \(wall.rfc3339); the broker's time, \(seconds) s ahead of it, goes on at half its pace until it has caught up"
  }
}

/// Tells systemd that we live as long as the writer answers. A full disk is an answer (requests get 503 until there is
/// space, and a restart would not help); a writer that hangs is none, and then systemd restarts us.
struct Watching: Service {
  let store: Store

  func run() async throws {
    guard let interval = Notify.watchdogInterval else {
      try? await gracefulShutdown()
      return
    }
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        do { try await store.probe() } catch {}
        Notify.send("WATCHDOG=1")
        try? await Task.sleep(for: interval)
      }
    }
    Notify.send("STOPPING=1")
  }
}

/// The web, which gets a bounded time to finish what is under way: a client that sends its body drop by drop would keep
/// the drain open for ever. What is cut off then was never acknowledged.
struct Serving: Service {
  /// With the 20 s of `limits.drainSeconds` below systemd's `TimeoutStopSec` (deploy/systemd).
  static let drainSeconds = 10

  let server: any Service
  let logger: Logger

  func run() async throws {
    try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask {
        try await server.run()
        return true
      }
      group.addTask {
        try? await gracefulShutdown()
        try? await Task.sleep(for: .seconds(Self.drainSeconds))
        return false
      }
      if try await group.next() == false {
        logger.warning("requests were still arriving \(Self.drainSeconds) s after the stop began; they are cut off")
      }
      group.cancelAll()
      while try await group.next() != nil {}
    }
  }
}

/// Reads the whole of a large database once the daemon serves. What it finds is logged here and then told by readiness.
struct Inspecting: Service {
  let store: Store
  let logger: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown {
      do {
        if let damage = try await store.inspectWhole() {
          logger.critical("the database is damaged: \(damage); stop, keep the file, restore the newest backup")
        }
      } catch  where Task.isCancelled {
        // The daemon ends, and the statement was interrupted for it.
      } catch {
        logger.error("the database could not be read whole: \(error)")
      }
    }
    try? await gracefulShutdown()
  }
}

/// The first to hear of the shutdown: lets the long polls go, so that the web need not wait for them.
struct Releasing: Service {
  let web: WebServer

  func run() async throws {
    try? await gracefulShutdown()
    web.releaseWaiters()
  }
}
