internal import ArgumentParser
internal import BrokerDomain
internal import BrokerStore
internal import CLimits
internal import Foundation

/// The plain C programs as processes of their own, so that their CPU time is their own.
struct LimitsWorker: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "limits-worker", abstract: "The limits in C (started by the other commands).",
    discussion: "Example: xiecha-bench limits-worker accept --database state/xiecha.sqlite",
    shouldDisplay: false, subcommands: [Accepting.self, Pushing.self])

  struct Accepting: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "accept", abstract: "Submissions over HTTP, their rows, and nothing else.",
      discussion: "Example: xiecha-bench limits-worker accept --database state/xiecha.sqlite")

    @Option var database: String
    @Option var organs: Int32
    @Flag var idempotency = false

    func run() throws {
      let sql = Statements.Submission()
      let texts = [
        sql.request, sql.subject, sql.event, sql.timer, sql.idempotency, sql.openTally, sql.tally, sql.filedThrough,
        sql.fileEvents, sql.fileRequests, sql.advance, sql.subjectsThrough, sql.fileSubjects, sql.finishSubjects,
      ].map { (text: String) in strdup(text) }
      let file = strdup(database)
      defer { for text in texts + [file] { free(text) } }
      var options = limits_accept_options(
        database: file, request: texts[0], subject: texts[1], event: texts[2], timer: texts[3],
        idempotency: idempotency ? texts[4] : nil, open_tally: texts[5], tally: texts[6], through: texts[7],
        file_events: texts[8], file_requests: texts[9], filed: texts[10], subjects_through: texts[11],
        file_subjects: texts[12], subjects_filed: texts[13], file_every: Int32(sql.fileEvery),
        file_subjects_every: Int32(sql.fileSubjectsEvery),
        organs: organs)
      guard limits_accept(&options) == 0 else { throw ExitCode.failure }
    }
  }

  struct Pushing: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "push", abstract: "Signed messages over libcurl, each result recorded.",
      discussion: "Example: xiecha-bench limits-worker push --database state/xiecha.sqlite --url http://127.0.0.1:8422/"
    )

    @Option var database: String
    @Option var url: String
    @Option var endpoint: Int64
    @Option var inFlight: Int32
    @Option var messages: Int32
    /// A file.
    @Option var body: String

    func run() throws {
      guard let bytes = FileManager.default.contents(atPath: body) else { throw BenchError("\(body) cannot be read") }
      let sql = Statements.Delivery()
      let texts = [sql.due, sql.take, sql.finish].map { (text: String) in strdup(text) }
      let (file, address) = (strdup(database), strdup(url))
      defer { for text in texts + [file, address] { free(text) } }
      let code = Array(bytes).withUnsafeBufferPointer { bytes in
        var options = limits_push_options(
          database: file, due: texts[0], take: texts[1], finish: texts[2], endpoint: endpoint, url: address,
          body: bytes.baseAddress, body_bytes: bytes.count, in_flight: inFlight, messages: messages)
        return limits_push(&options)
      }
      guard code == 0 else { throw ExitCode.failure }
    }
  }
}

/// The C program that accepts, running.
final class PlainAccept {
  let port: Int
  private let child: Child

  /// - Parameter office: its store is closed for it.
  init(_ office: Office, idempotency: Bool) throws {
    office.store.close()
    child = try Child(
      Child.ownProgram,
      [
        "limits-worker", "accept", "--database", office.database, "--organs",
        "\(office.samples.reference.organs.count)",
      ]
        + (idempotency ? ["--idempotency"] : []))
    guard let port = child.line().flatMap({ Int($0) }) else { throw BenchError("the C program did not start") }
    self.port = port
  }

  var pid: pid_t { child.pid }

  func end() throws {
    guard child.end().ok else { throw BenchError("the C program failed") }
  }
}
