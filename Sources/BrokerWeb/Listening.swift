package import BrokerDomain
internal import Glibc
internal import NIOCore
internal import ServiceLifecycle

/// The server cannot listen where it should: why, and what to do about it.
package struct ListenFault: Error {
  /// `host:port`.
  package let address: String
  package let words: Phrase
}

/// The server as a service; that it cannot listen is said of its address.
struct Listening: Service {
  let server: any Service
  let host: String
  let port: Int

  private var address: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  func run() async throws {
    do {
      try await server.run()
    } catch let error as IOError {
      guard let words = Self.words(error.errnoCode) else { throw error }
      throw ListenFault(address: address, words: words)
    } catch is SocketAddressError.UnknownHost {
      throw ListenFault(
        address: address, words: Phrase("解析不到此主机名，请改正", "there is no address for this host name; correct it"))
    }
  }

  /// Nil of what is no error of listening.
  private static func words(_ number: Int32) -> Phrase? {
    switch number {
    case EADDRINUSE: Phrase("端口已被占用，请停用占用它的程序", "the port is in use; stop the program that has it")
    case EADDRNOTAVAIL: Phrase("本机没有这一地址，请改用本机的地址", "this machine does not have that address; use one that it has")
    case EACCES, EPERM:
      Phrase(
        "没有监听此端口的权限（1024以下须另行授权），请授权", "no permission to listen there (ports below 1024 need a grant); grant it")
    default: nil
    }
  }
}
