internal import BrokerStore
internal import CCurl
internal import Glibc

// What libcurl calls during a transfer, on the curl thread. `client` is the EasyHandle, which lives
// as long as its loop.

private func handle(_ client: UnsafeMutableRawPointer?) -> EasyHandle? {
  client.map { Unmanaged<EasyHandle>.fromOpaque($0).takeUnretainedValue() }
}

/// Keeps the body's start; any other return than the byte count ends the transfer.
func receiveBody(
  _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
  _ client: UnsafeMutableRawPointer?
) -> Int {
  guard let handle = handle(client), let bytes else { return 0 }
  let length = size * count
  let room = handle.keptBytes - handle.bodyStart.count
  if room > 0, length > 0 {
    let raw = UnsafeRawBufferPointer(start: bytes, count: min(room, length))
    handle.bodyStart.append(contentsOf: raw)
  }
  handle.received += length
  return handle.received > EasyHandle.maxReceived ? 0 : length
}

/// Counts headers too: an endless header, or endless interim replies, are bounded like a body.
func receiveHeader(
  _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
  _ client: UnsafeMutableRawPointer?
) -> Int {
  guard let handle = handle(client) else { return 0 }
  if handle.received == 0 { handle.firstByteAt = monotonicMicroseconds() }
  handle.received += size * count
  return handle.received > EasyHandle.maxReceived ? 0 : size * count
}

/// Keeps a push from going out where its answer would be mistaken for another's.
func beforeRequest(
  _ client: UnsafeMutableRawPointer?, _ address: UnsafeMutablePointer<CChar>?, _ own: UnsafeMutablePointer<CChar>?,
  _ port: Int32, _ ownPort: Int32
) -> Int32 {
  handle(client)?.mayGoOut() == true ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
}

/// The last moment before bytes go to an address, and the only one at which the address is certain:
/// a name may have resolved differently when the endpoint was made.
func openSocket(
  _ client: UnsafeMutableRawPointer?, _ purpose: curlsocktype,
  _ address: UnsafeMutablePointer<curl_sockaddr>?
) -> curl_socket_t {
  guard let handle = handle(client), let address,
    let offset = MemoryLayout<curl_sockaddr>.offset(of: \.addr)
  else { return CURL_SOCKET_BAD }
  let family = address.pointee.family
  let socketAddress = UnsafeRawPointer(address) + offset
  guard let target = IPAddress(socketAddress: socketAddress, family: family) else {
    return CURL_SOCKET_BAD
  }
  guard case .allowed = handle.context.policy.verdict(target) else {
    handle.firstForbidden = handle.firstForbidden ?? target
    return CURL_SOCKET_BAD
  }
  handle.dialled = true
  let type = address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue)
  return socket(family, type, address.pointee.protocol)
}
