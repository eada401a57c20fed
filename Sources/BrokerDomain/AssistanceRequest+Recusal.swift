/// 回避: whoever a request is against, as the organ that is complained of, learns nothing of it and decides nothing in it,
/// unless it is asked itself. What a citizen reports is not handed to those whom he reports (信访工作条例: 不得将检举、控告
/// 材料及有关情况透露或者转给被检举、控告的人员或者单位).
extension AssistanceRequest {
  /// Organs that are told of every event besides the parties.
  func copied(_ reference: Reference) -> [OrganCode] {
    guard let organ = reference.organ(responder), let procedure = reference.procedure(of: self) else { return [] }
    return procedure.copied(organ, reference).filter { $0 != progress.recused }
  }

  /// The supervisor who is told of what is escalated.
  /// - Parameter bound: whom the clock binds.
  package func supervisor(of bound: Organ, _ reference: Reference) -> Organ? {
    reference.supervisor(of: bound, without: progress.recused)
  }

  /// Not for this organ's eyes, whatever it supervises.
  package func isKept(from organ: OrganCode) -> Bool { progress.recused == organ && party(organ) == nil }
}

extension Procedure {
  /// Whom a request is against: the organ in the first field that `recuses`.
  func recused(by data: JSON) -> OrganCode? {
    fields.lazy.filter(\.recuses).compactMap { data[$0.name]?.organ }.first
  }
}
