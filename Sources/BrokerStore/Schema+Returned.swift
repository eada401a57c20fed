extension Schema {
  /// What lies returned, under the organ that asked: reports count what runs on there. Few rows at any time, and nothing
  /// else touches it.
  static let returned = """
    CREATE INDEX request_returned ON request (requester) WHERE state = 'returned';
    """
}
