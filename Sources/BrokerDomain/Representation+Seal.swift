/// What fills a sealed follow-up is not to be read beside it, in the answer or the disposal that brought it about: it is
/// for the organ that wrote it, and for who receives the follow-up, which has it there.
extension Representation {
  func sealedWords(of answer: Answer) -> (fields: [String], text: Bool) {
    guard author != request.responder, let procedure = reference.procedure(of: request) else { return ([], false) }
    let results = answer.outcome.map { [$0] } ?? answer.findings.map(\.result)
    let sealed = results.flatMap { procedure.outcome($0)?.next ?? [] }.filter { reference.isSealed($0.procedure) }
    return (sealed.flatMap(\.handedOn), sealed.contains(where: \.handsOnText))
  }

  var isDisposalSealed: Bool {
    guard author != request.requester, let disposal = request.progress.disposal,
      let next = reference.procedure(of: request)?.next(of: disposal.measure)
    else { return false }
    return next.handsOnText && reference.isSealed(next.procedure)
  }
}
