/// What has happened to a request on its way, besides its state. Nothing, for most.
package struct Progress: Sendable, Equatable {
  /// Counts the clocks of a request: 0 from receipt, one more when a supplement restarts it or a transfer gives it to
  /// another organ. Every rung fires at most once for each.
  package var leg = 0
  /// From when the present clock counts; nil from receipt.
  package var clockFrom: Instant?
  package var supplement: Supplement?
  package var extended: Extension?
  package var returned: Return?
  /// What was returned runs on where it lies; see `Procedure.Handover`.
  package var runsOn = false
  package var transfers: [Transfer] = []
  /// A transfer that would have gone back to where it was: a superior rules.
  package var referral: Referral?
  package var disposal: Disposal?
  /// The clock binds the organ that sent it; see `Procedure.Bound`.
  package var bindsSender = false
  /// When receipt was acknowledged, where that is all that the clock waits for; when it was sent, where the clock binds
  /// the sender.
  package var metAt: Instant?
  /// When it was answered or declined, of one that was closed afterwards.
  package var concludedAt: Instant?
  /// Whom it is against; see `Procedure.Field.recuses`.
  package var recused: OrganCode?
  /// The request that it follows.
  package var origin: EntityID?
  /// What has become of what its outcome obliges; an offer that nobody has taken up is not among them.
  package var followUps: [FollowUp] = []
  /// A later request has undone it.
  package var reversal: Reversal?

  package init() {}

  package static let none = Progress()
}

/// The progress of a request, kept apart from it where there is any: nothing has happened on the way of most, and a request
/// is copied at every step of its own.
struct Way: Sendable, Equatable {
  private final class Box: Sendable {
    let progress: Progress
    init(_ progress: Progress) { self.progress = progress }
  }

  private var box: Box?

  /// - Parameter progress: nil for none.
  init(_ progress: Progress?) {
    if let progress, progress != .none { box = Box(progress) }
  }

  var progress: Progress {
    _read {
      if let box { yield box.progress } else { yield.none }
    }
    _modify {
      var changed = progress
      defer { self = Way(changed) }
      yield &changed
    }
  }

  static func == (a: Way, b: Way) -> Bool { a.box === b.box || a.progress == b.progress }
}

/// 补正: asked once; the clock stands still until it is supplied and then starts anew.
package struct Supplement: Sendable, Equatable {
  package let text: String
  package let askedAt: Instant
  /// Working days of the clock that had been used when it was asked.
  package let used: Int
  package var supplied: Supply?
}

package struct Supply: Sendable, Equatable {
  package let text: String
  /// Fields that replace or add to those of the request; nil when none were given.
  package var data: JSON?
  package let at: Instant
}

/// 延期: once, before the due moment, with a reason and whoever approved it.
package struct Extension: Sendable, Equatable {
  package let workingDays: Int
  package let reason: String
  package let approver: String
  package let at: Instant
}

/// 退回: misrouted, sent back to whoever asked.
package struct Return: Sendable, Equatable {
  package let reason: String
  package let competentOrgan: String?
  package let at: Instant
}

/// 移送办理: from one requested organ to another.
package struct Transfer: Sendable, Equatable {
  package let from: OrganCode
  package let to: OrganCode
  package let reason: String
  package let at: Instant
  /// The superior who ruled, when it was a ruling: then it is binding.
  package let ruledBy: OrganCode?
  /// Ruled that it stays where it is: nothing was moved, and no clock began.
  package var kept = false
}

/// 报请共同上一级行政机关确定: two organs would pass it back and forth.
package struct Referral: Sendable, Equatable {
  package let to: OrganCode
  package let proposed: OrganCode
  package let reason: String
  package let at: Instant
}

/// 处理: what the requesting organ did about a commitment that was not true.
package struct Disposal: Sendable, Equatable {
  package enum Measure: String, Sendable, CaseIterable {
    case terminate, rectify, revoke, penalise
    case transferCriminal = "transfer-criminal"
  }

  package let measure: Measure
  /// Until when it must be put right, for `rectify`.
  package let by: CalendarDate?
  package let text: String
  package let at: Instant
}

extension AssistanceRequest {
  /// From when the present clock counts.
  package var clockFrom: Instant { progress.clockFrom ?? receivedAt }

  /// At most so many organs pass a request on before a superior has to rule.
  package static let maximumTransfers = 3

  /// The procedure's own fields, with what was supplied later.
  package var data: JSON {
    progress.supplement?.supplied?.data.map { content.data.merged($0) } ?? content.data
  }

  /// Everybody who has had it before, and who has it now.
  var trail: [OrganCode] { progress.transfers.map(\.from) + [responder] }
}
