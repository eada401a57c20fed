extension AssistanceRequest {
  /// What an organ may do next: of what the state allows, its own verbs, less those that the law or the procedure would
  /// refuse whatever it said with them. A command is pure, so trying it is asking: no rule is written down twice.
  package func allowed(to organ: OrganCode, now: Instant, reference: Reference) -> [Verb] {
    state.name.allowed.filter { verb in
      for command in Command.trials(of: verb, trail, reference) {
        do throws(Refusal) {
          _ = try carryOut(command, by: organ, now: now, expectedVersions: nil, reference: reference)
          return true
        } catch {
          // Its words are at fault, as they must be; nothing but the organ is in a transfer, and another may do.
          switch error {
          case .faults, .notAllowed(.noSuperior): continue
          case .notAllowed(.transferLimit(let back)): return !back.isEmpty
          default: return false
          }
        }
      }
      return verb != .transfer
    }
  }
}

extension Command {
  /// The verb with next to nothing said; a transfer to any organ of the directory, those that had it before last: these
  /// call for a ruling and move nothing.
  fileprivate static func trials(of verb: Verb, _ trail: [OrganCode], _ reference: Reference) -> [Command] {
    switch verb {
    case .acknowledge: [.acknowledge(officer: nil)]
    case .answer: [.answer(Answer(findings: [], text: nil, reference: nil, signatory: ""))]
    case .decline: [.decline(Decline(reasonCode: "", reason: "", competentOrgan: nil, signatory: ""))]
    case .withdraw: [.withdraw(Withdrawal(reason: ""))]
    case .return: [.giveBack(GiveBack(reason: "", competentOrgan: nil))]
    case .ask: [.ask(text: "")]
    case .supply: [.supply(text: "")]
    case .extend: [.extend(Extend(workingDays: 1, reason: "", approver: ""))]
    case .transfer:
      (reference.organs.map(\.code).filter { !trail.contains($0) } + trail)
        .map { .transfer(Move(to: $0, reason: "由其办理")) }
    case .remind: [.remind(text: nil)]
    case .dispose: [.dispose(Dispose(measure: .terminate, by: nil, text: ""))]
    case .close: [.close(text: nil)]
    }
  }
}
