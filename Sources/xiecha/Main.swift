internal import ArgumentParser
internal import BrokerDomain
internal import BrokerStore
internal import Foundation

@main
struct Xiecha: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "xiecha",
    abstract: "协查：机关之间的协助核查 / assisted verification between organs",
    discussion: """
      Example / 示例:
        xiecha init  --state-dir ./state --example qidong
        xiecha serve --state-dir ./state

      Exit status: 0 success, 1 failure, 2 bad usage or configuration.
      """,
    version: "xiecha 1.0.0",
    subcommands: [
      Serve.self, Initialise.self, Check.self, Import.self, Export.self, Key.self, Workdays.self, Outbox.self,
      Backup.self,
      Verify.self, Demo.self,
    ])

  /// Runs the command and turns every error into one clear line and an exit status: the parser's own statuses are
  /// folded into 2, which systemd is told not to restart on.
  static func main() async {
    openStandardFiles()
    var asked: any ParsableCommand.Type = Xiecha.self
    do {
      var command = try parseAsRoot()
      asked = type(of: command)
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
      try Output.flush()
    } catch {
      leave(error, asked)
    }
  }

  /// Where one of the three is closed, the next file that is opened would take its place: the database, into which the
  /// lines of the log went then.
  private static func openStandardFiles() {
    for descriptor in 0...2 where fcntl(Int32(descriptor), F_GETFD) < 0 { _ = open("/dev/null", O_RDWR) }
  }

  private static func leave(_ error: any Error, _ asked: any ParsableCommand.Type) -> Never {
    switch error {
    case let error as ExitCode: Glibc.exit(error.rawValue)
    case let error as ConfigurationFault: fail(error.description, 2)
    case let error as StoreError:
      switch error {
      case .missing, .wrongMode: fail(error.words, 2)
      default: fail(error.words, 1)
      }
    case let error as Failure: fail(error.text, 1)
    case let error as CocoaError: fail(FileFault.failure("xiecha", error).text, 1)
    case let error as ValidationError:
      // Found by the command itself, whose usage it then is; the parser's own errors know their command.
      warn("Error: \(error.message)\nUsage: \(usageString(for: asked))")
      Glibc.exit(2)
    default:
      let status = exitCode(for: error)
      let text = fullMessage(for: error)
      if status == .success {
        print(text)
        do {
          try Output.flush()
        } catch {
          fail(error.text, 1)
        }
        Glibc.exit(0)
      }
      guard status == .validationFailure else { fail("未能完成 / \(message(for: error))", 1) }
      warn(UsageWords.inBothLanguages(text))
      Glibc.exit(2)
    }
  }

  private static func fail(_ text: String, _ status: Int32) -> Never {
    FileHandle.standardError.write(Data("xiecha: \(text)\n".utf8))
    Glibc.exit(status)
  }
}

/// A command that did what it could and must say no.
struct Failure: Error {
  let text: String
}

func warn(_ text: String) {
  FileHandle.standardError.write(Data((text + "\n").utf8))
}
