/// Where an organ belonged until the directory moved it to another region. What a clock counted up to its end stays as it
/// was counted then: the move has the days of another region counted for what is open, and touches no closed request
/// (domain: "recomputes open requests only").
package struct PastRegion: Sendable, Equatable {
  /// Exclusive: the moment of the move.
  package let until: Instant
  package let region: RegionCode

  package init(until: Instant, region: RegionCode) {
    self.until = until
    self.region = region
  }
}

extension Organ {
  /// The region to which it belonged at a moment; nil is now.
  package func region(at moment: Instant?) -> RegionCode {
    moment.flatMap { moment in pastRegions.first { moment < $0.until } }?.region ?? region
  }
}

extension AssistanceRequest {
  /// The region by whose calendar the days of a request are counted where they are told: of a clock that has ended or
  /// stands still, the one to which its organ belonged then. What begins or moves a clock goes by `calendarRegion`.
  package func countedRegion(_ reference: Reference) -> RegionCode? {
    calendarOrgan(reference)?.region(at: clockStoppedAt)
  }
}
