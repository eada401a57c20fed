import Foundation
import Glibc
import TestSupport
import Testing

/// A certificate authority for one test, in a directory that goes with it.
final class Authority {
  let directory: URL
  let name: String

  init(_ name: String = "authority") throws {
    self.name = name
    directory = FileManager.default.temporaryDirectory.appending(path: "ca-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    try openssl(
      ["req", "-x509", "-utf8"] + Self.newKey + [
        "-keyout", path("ca.key"), "-out", path("ca.pem"), "-days", "2", "-subj", "/CN=\(name)",
      ])
  }

  deinit { try? FileManager.default.removeItem(at: directory) }

  private static let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

  func path(_ file: String) -> String { directory.appending(path: file).path }
  func text(_ file: String) throws -> String { try String(contentsOfFile: path(file), encoding: .utf8) }

  /// Makes `NAME.pem` and `NAME.key`, signed by this authority.
  func issue(_ name: String, days: Int = 2) throws {
    try openssl(
      ["req"] + Self.newKey + ["-keyout", path("\(name).key"), "-out", path("\(name).csr"), "-subj", "/CN=\(name)"])
    try Data("subjectAltName=IP:127.0.0.1\n".utf8).write(to: directory.appending(path: "san"))
    try openssl([
      "x509", "-req", "-in", path("\(name).csr"), "-CA", path("ca.pem"), "-CAkey", path("ca.key"), "-CAcreateserial",
      "-days", "\(days)", "-extfile", path("san"), "-out", path("\(name).pem"),
    ])
  }

  func openssl(_ arguments: [String]) throws {
    let made = try runTool(arguments, binary: "/usr/bin/openssl")
    try #require(made.status == 0, "\(made.stderr)")
  }
}

/// A server in a few lines of Python: no tool at hand speaks HTTP/2 or tells whose certificate it was shown. The program
/// prints its port first.
final class PythonServer {
  let port: Int
  private let process = Process()

  init(_ program: String, _ arguments: [String]) throws {
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", program] + arguments
    process.standardOutput = output
    try process.run()
    let said = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    port = try #require(said.split(separator: "\n").first.flatMap { Int($0) }, "python said \(said)")
  }

  deinit {
    // Not SIGTERM: a thread of the pool masks it, and a program inherits that.
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  /// HTTP/1.1 over TLS, keeping connections; answers with the common name of the client's certificate and the client's
  /// port. Arguments: certificate, key, the authority of clients.
  static let mutualTLS = """
    import http.server, ssl, sys
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            name = dict(pair[0] for pair in self.connection.getpeercert()["subject"])["commonName"]
            body = f"{name} {self.client_address[1]}".encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        def log_message(self, *_): pass
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    context.load_verify_locations(sys.argv[3])
    context.verify_mode = ssl.CERT_REQUIRED
    class Server(http.server.ThreadingHTTPServer):
        def get_request(self):
            connection, address = self.socket.accept()
            return context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address
        def handle_error(self, *_): pass
    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
    """

  /// HTTP/2 over TLS, offered by ALPN; answers each stream once it has all of it. The third argument says what
  /// comes after the 200 and its body: `end` (the stream ends), or `reset` (RST_STREAM instead of an end); with
  /// `mixed` only the third connection, the last to be there of the first three, speaks it, and the others HTTP/1.1, on
  /// which a reply takes a while and has the path for its body, or that another request has come before it. Over HTTP/2
  /// the body is how many connections there have been.
  static let http2 = """
    import select, socket, ssl, struct, sys, threading, time
    def speaking(*protocols):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
        context.set_alpn_protocols(protocols)
        return context
    context, old = speaking("h2", "http/1.1"), speaking("http/1.1")
    count = 0
    def serve_old(connection):
        with connection, connection.makefile("rb", buffering=0) as file:
            while True:
                path, length = file.readline().split()[1], 0
                while (line := file.readline()) not in (b"\\r\\n", b""):
                    if line.lower().startswith(b"content-length:"): length = int(line.split(b":")[1])
                file.read(length)
                time.sleep(0.3)
                if connection.pending() or select.select([connection], [], [], 0)[0]: path = b"/two at once"
                connection.sendall(b"HTTP/1.1 200 OK\\r\\ncontent-length: %d\\r\\n\\r\\n%s" % (len(path), path))
    def frame(kind, flags, stream, payload):
        return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload
    def read(connection, length):
        data = b""
        while len(data) < length:
            more = connection.recv(length - len(data))
            if not more: raise EOFError
            data += more
        return data
    def serve(raw, number):
        try:
            isOld = sys.argv[3] == "mixed" and number != 3
            if sys.argv[3] == "mixed" and number == 3: time.sleep(0.05)
            connection = (old if isOld else context).wrap_socket(raw, server_side=True)
            if connection.selected_alpn_protocol() != "h2":
                if sys.argv[3] == "mixed": serve_old(connection)
                connection.close()
                return
            read(connection, 24)
            connection.sendall(frame(4, 0, 0, b""))
            unanswered = -1
            while True:
                head = read(connection, 9)
                length, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
                stream = int.from_bytes(head[5:9], "big")
                payload = read(connection, length)
                if kind == 4 and not flags & 1: connection.sendall(frame(4, 1, 0, b""))
                # What is reset is answered once its headers are there.
                if kind != 1 if sys.argv[3] == "reset" else kind > 1 or not flags & 1: continue
                # On the first connection all but one are lost with it, once there are two of them; then whoever asks for it.
                unanswered += 1
                if sys.argv[3] == "breaks" and (payload == b"drop" if number > 1 else unanswered == 2):
                    return connection.close()
                if sys.argv[3] == "breaks" and unanswered == 1: continue
                body = str(number).encode()
                connection.sendall(frame(1, 4, stream, b"\\x88") + frame(0, 0, stream, body))
                if sys.argv[3] == "reset": connection.sendall(frame(3, 0, stream, struct.pack(">I", 2)))
                else: connection.sendall(frame(0, 1, stream, b""))
        except (EOFError, OSError, IndexError):
            pass
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(listener.getsockname()[1], flush=True)
    while True:
        raw, _ = listener.accept()
        count += 1
        threading.Thread(target=serve, args=(raw, count), daemon=True).start()
    """
}
