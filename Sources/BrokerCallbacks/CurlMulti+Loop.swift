internal import CCurl
internal import Glibc

/// The curl thread's own state: nothing here is touched by another thread.
final class CurlLoop {
  private let mailbox: Mailbox
  private let multi: OpaquePointer
  private let maxActive: Int
  private let context: TransferContext

  /// Every easy handle made, and those of them that are free. Handles are kept for the life of the
  /// loop: their options are set once, and their connections belong to the multi handle anyway.
  private var handles: [EasyHandle] = []
  private var idle: [EasyHandle] = []
  private var waiting = WaitingLines()
  private var reports: [PushReport] = []

  init(mailbox: Mailbox, multi: MultiHandle, maxActive: Int, context: TransferContext) {
    self.mailbox = mailbox
    self.multi = multi.raw
    self.maxActive = maxActive
    self.context = context
    ccurl_multi_set_long(self.multi, CURLMOPT_PIPELINING, Int(CURLPIPE_MULTIPLEX))
    ccurl_multi_set_long(self.multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, maxActive)
    ccurl_multi_set_long(self.multi, CURLMOPT_MAXCONNECTS, maxActive)
  }

  /// Runs until the mailbox is closed, then reports what is left and frees everything.
  func run() {
    blockSIGPIPE()
    while true {
      let letters = mailbox.take()
      for line in letters.recalled { giveBack(line) }
      accept(letters.pushes)
      if letters.closed { break }
      startWaiting()
      var running: Int32 = 0
      check(curl_multi_perform(multi, &running), "curl_multi_perform")
      collect()
      deliver()
      // A freed handle and a waiting push: no reason to sleep.
      if !waiting.hasNext || idle.isEmpty && handles.count == maxActive, mailbox.mayPoll() {
        check(curl_multi_poll(multi, nil, 0, Self.longestSleepMS, nil), "curl_multi_poll")
      }
    }
    abortAll()
    deliver()
    handles.removeAll()
    idle.removeAll()
    check(curl_multi_cleanup(multi), "curl_multi_cleanup")
  }

  /// libcurl shortens this to its own next timer, and a wake-up ends it; it only bounds a mistake.
  private static let longestSleepMS: Int32 = 10_000

  private func accept(_ pushes: [Push]) {
    for push in pushes {
      if let injection = push.injection {
        refuse(push, code: CURLE_BAD_FUNCTION_ARGUMENT, injection)
      } else if waiting.count >= CurlMulti.maxQueued {
        refuse(push, code: CURLE_AGAIN, "more than \(CurlMulti.maxQueued) pushes are waiting")
      } else {
        waiting.append(push)
      }
    }
  }

  private func startWaiting() {
    while waiting.hasNext, let handle = freeHandle() {
      guard let push = waiting.next() else { return idle.append(handle) }
      var failure = handle.load(push)
      if failure == CURLE_OK, curl_multi_add_handle(multi, handle.easy) != CURLM_OK {
        failure = CURLE_FAILED_INIT
      }
      guard failure == CURLE_OK else {
        refuse(push, code: failure, String(cString: curl_easy_strerror(failure)))
        handle.unload()
        waiting.ended(push.line)
        if let line = push.line { giveBack(line) }
        idle.append(handle)
        continue
      }
      handle.isActive = true
    }
  }

  private func freeHandle() -> EasyHandle? {
    // The most recently used first: its connection is the likeliest to be still open and warm.
    if let handle = idle.popLast() { return handle }
    guard handles.count < maxActive else { return nil }
    let handle = EasyHandle(context: context)
    handles.append(handle)
    return handle
  }

  private func collect() {
    var left: Int32 = 0
    while let message = curl_multi_info_read(multi, &left) {
      guard message.pointee.msg == CURLMSG_DONE,
        let handle = EasyHandle.owner(of: message.pointee.easy_handle)
      else { continue }
      // Read before the removal, which invalidates the message.
      let code = message.pointee.data.result
      if handle.place != .here && code == CURLE_ABORTED_BY_CALLBACK || handle.fellWithOthers(code) {
        sendAlone(handle)
      } else {
        finish(handle, code: code)
      }
    }
  }

  /// On a connection of its own: nothing of it has been sent, or what has was lost with those beside it.
  private func sendAlone(_ handle: EasyHandle) {
    check(curl_multi_remove_handle(multi, handle.easy), "curl_multi_remove_handle")
    let code = handle.goAlone()
    if code == CURLE_OK { return check(curl_multi_add_handle(multi, handle.easy), "curl_multi_add_handle") }
    finish(handle, code: code)
  }

  private func finish(_ handle: EasyHandle, code: CURLcode) {
    let (report, line) = (handle.report(code: code), handle.line)
    reports.append(report)
    check(curl_multi_remove_handle(multi, handle.easy), "curl_multi_remove_handle")
    handle.unload()
    waiting.ended(line)
    if !report.outcome.isSuccess, let line { giveBack(line) }
    handle.isActive = false
    idle.append(handle)
  }

  /// Who handed these over decides anew what goes out, and when.
  private func giveBack(_ line: Int64) {
    for push in waiting.takeBack(line) { reports.append(PushReport(token: push.token, outcome: .unsent)) }
  }

  private func refuse(_ push: Push, code: CURLcode, _ words: String) {
    let fault = CurlFault(
      code: code, words: words, isTLS: true, hasShakenHands: false, showsCertificate: false, systemError: 0)
    var report = PushReport(token: push.token, outcome: .failed(code: Int(code.rawValue), words))
    report.chinese = fault.told.zh
    reports.append(report)
  }

  private func deliver() {
    if reports.isEmpty { return }
    mailbox.onReports(reports)
    reports.removeAll(keepingCapacity: false)
  }

  private func abortAll() {
    collect()
    for handle in handles where handle.isActive {
      finish(handle, code: CURLE_ABORTED_BY_CALLBACK)
    }
    for push in waiting.takeAll() { reports.append(.aborted(push.token)) }
  }

  /// A multi call fails only when memory is gone or the handle is corrupt. A dispatcher that lives
  /// on without its sender would be worse than a restart.
  private func check(_ code: CURLMcode, _ call: StaticString) {
    if code == CURLM_OK { return }
    preconditionFailure("\(call): \(String(cString: curl_multi_strerror(code)))")
  }

  /// libcurl with NOSIGNAL leaves SIGPIPE to the program; a peer that closes early must not end it.
  private func blockSIGPIPE() {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
  }
}
