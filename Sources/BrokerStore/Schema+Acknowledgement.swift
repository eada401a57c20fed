extension Schema {
  /// A supplement was kept as an acknowledgement by the organ that had asked for it, of the same moment. What nobody
  /// acknowledged says so from here on.
  static let realAcknowledgements = """
    UPDATE request SET acknowledged_at = NULL
    WHERE acknowledged_at IS NOT NULL AND officer IS NULL AND progress IS NOT NULL
      AND acknowledged_at = iif(json_valid(progress), json_extract(progress, '$.supplement.supplied.at'), NULL)
      AND NOT EXISTS (SELECT 1 FROM event e WHERE e.request = request.key AND e.type = 'request.acknowledged'
        AND e.at = request.acknowledged_at);
    UPDATE request_past SET acknowledged_at = NULL
    WHERE acknowledged_at IS NOT NULL AND officer IS NULL AND progress IS NOT NULL
      AND acknowledged_at = iif(json_valid(progress), json_extract(progress, '$.supplement.supplied.at'), NULL)
      AND NOT EXISTS (SELECT 1 FROM event e WHERE e.request = request_past.request AND e.type = 'request.acknowledged'
        AND e.at = request_past.acknowledged_at);
    """
}
